job "checkout" {
  name = "checkout"
  type = "service"
  region = "global"
  namespace = "shop"
  datacenters = ["dc1", "dc2"]
  meta {
    outrider_version = "f33bc5e9d7d0"
    outrider_service_part = "6691109a4946"
    outrider_sidecar_part = "3e42cccf0747"
    outrider_protocol = "http"
    outrider_environment = "production"
    dollar = "$"
  }
  group "checkout" {
    count = 4
    network {
      mode = "bridge"
      port "ingress" {
        to = 19000
      }
      port "metrics" {
        to = 19001
      }
    }
    service {
      name = "checkout"
      provider = "consul"
      port = "ingress"
      address_mode = "auto"
      tags = ["outrider", "blue"]
      canary_tags = ["outrider", "canary", "blue"]
      meta {
        tier = "1"
        outrider_environment = "production"
        outrider_protocol = "http"
        outrider_version = "f33bc5e9d7d0"
        outrider_team = "storefront"
        outrider_metrics = "$${NOMAD_IP_metrics}:$${NOMAD_HOST_PORT_metrics}"
        canary = "false"
      }
      canary_meta {
        tier = "1"
        outrider_environment = "production"
        outrider_protocol = "http"
        outrider_version = "f33bc5e9d7d0"
        outrider_team = "storefront"
        outrider_metrics = "$${NOMAD_IP_metrics}:$${NOMAD_HOST_PORT_metrics}"
        canary = "true"
      }
      check {
        name = "checkout http /healthz"
        interval = "5000ms"
        timeout = "1000ms"
        type = "http"
        path = "/healthz"
        method = "GET"
        header {
          x-outrider-check = ["1"]
        }
      }
      check {
        name = "checkout tcp through the sidecar"
        interval = "10000ms"
        timeout = "2000ms"
        type = "http"
        path = "/health"
        method = "GET"
        port = "metrics"
      }
    }
    shutdown_delay = "5000ms"
    update {
      auto_promote = false
      auto_revert = true
      canary = 1
      health_check = "checks"
      healthy_deadline = "120000ms"
      max_parallel = 1
      min_healthy_time = "5000ms"
      progress_deadline = "180000ms"
    }
    migrate {
      health_check = "checks"
      healthy_deadline = "120000ms"
      max_parallel = 1
      min_healthy_time = "5000ms"
    }
    restart {
      attempts = 3
      delay = "2000ms"
      interval = "300000ms"
      mode = "fail"
    }
    reschedule {
      attempts = 0
      delay = "5000ms"
      delay_function = "exponential"
      interval = "0ms"
      max_delay = "120000ms"
      unlimited = true
    }
    task "agent" {
      driver = "docker"
      user = "65534"
      config {
        image = "python:3.13-slim"
        command = "python3"
        args = ["-I", "-S", "/local/outrider-agent.pyz", "serve"]
      }
      env = {
        "CONSUL_HTTP_ADDR" = "http://172.26.64.1:8500"
        "OUTRIDER_AGENT_ENVOY_ADMIN" = "unix:/alloc/envoy.sock"
        "OUTRIDER_AGENT_LISTEN" = "unix:/alloc/agent.sock"
        "OUTRIDER_AGENT_SERVICE_ID" = "_nomad-task-$${NOMAD_ALLOC_ID}-group-checkout-checkout-ingress"
        "OUTRIDER_AGENT_SNAPSHOT" = "/local/endpoints.json"
        "OUTRIDER_AGENT_UNGUARDED" = "sessions"
        "OUTRIDER_AGENT_UPSTREAMS" = "catalog,feed,payments,sessions"
      }
      template {
        change_mode = "noop"
        destination = "local/outrider-agent.pyz"
        data = "{{ base64Decode \"c2VydmU=\" }}"
        perms = "0400"
        uid = 65534
      }
      resources {
        cpu = 20
        memory = 24
      }
      logs {
        max_files = 2
        max_file_size = 5
      }
      kill_signal = "SIGTERM"
      kill_timeout = "5000ms"
      lifecycle {
        hook = "prestart"
        sidecar = true
      }
      restart {
        attempts = 10
        delay = "1000ms"
        interval = "10000ms"
        mode = "delay"
      }
      consul {}
    }
    task "envoy" {
      driver = "docker"
      user = "65534"
      config {
        image = "envoyproxy/envoy:v1.40.0"
        args = ["--config-path", "/local/envoy.json", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning", "--component-log-level", "config:error", "--file-flush-interval-msec", "1000", "--drain-time-s", "5", "--drain-strategy", "immediate"]
      }
      template {
        change_mode = "noop"
        destination = "local/envoy.json"
        data = "{\"node\":{\"id\":\"{{ env `NOMAD_ALLOC_ID` }}\",\"cluster\":\"checkout\"},\"admin\":{\"address\":{\"pipe\":{\"path\":\"/alloc/envoy.sock\",\"mode\":384}},\"ignore_global_conn_limit\":true,\"allow_paths\":[{\"prefix\":\"/stats\"},{\"exact\":\"/ready\"},{\"exact\":\"/clusters\"},{\"exact\":\"/memory\"},{\"exact\":\"/listeners\"},{\"prefix\":\"/healthcheck/\"}]},\"static_resources\":{\"listeners\":[{\"name\":\"ingress\",\"address\":{\"socket_address\":{\"address\":\"0.0.0.0\",\"port_value\":19000}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"ingress\",\"codec_type\":\"AUTO\",\"http_protocol_options\":{\"accept_http_10\":true,\"default_host_for_http_10\":\"checkout\",\"enable_trailers\":true,\"ignore_http_11_upgrade\":[{\"safe_regex\":{\"regex\":\"(?i)(?:[^w].*|w(?:[^e].*|e(?:[^b].*|b(?:[^s].*|s(?:[^o].*|o(?:[^c].*|c(?:[^k].*|k(?:[^e].*|e(?:[^t].*|t.+)?)?)?)?)?)?)?)?)?\"}}]},\"http2_protocol_options\":{\"max_concurrent_streams\":128,\"initial_stream_window_size\":65536,\"initial_connection_window_size\":1048576},\"common_http_protocol_options\":{\"idle_timeout\":\"650s\",\"max_headers_count\":1050,\"headers_with_underscores_action\":\"REJECT_REQUEST\"},\"max_request_headers_kb\":136,\"proxy_100_continue\":true,\"stream_idle_timeout\":\"0s\",\"server_header_transformation\":\"PASS_THROUGH\",\"use_remote_address\":false,\"skip_xff_append\":true,\"route_config\":{\"name\":\"ingress\",\"validate_clusters\":true,\"virtual_hosts\":[{\"name\":\"ingress\",\"domains\":[\"*\"],\"routes\":[{\"name\":\"another_service\",\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\"x-outrider-destination\",\"string_match\":{\"exact\":\"checkout\"},\"invert_match\":true}]},\"direct_response\":{\"status\":421,\"body\":{\"inline_string\":\"this is checkout\\n\"}},\"response_headers_to_add\":[{\"header\":{\"key\":\"x-outrider-unseen\",\"value\":\"1\"},\"append_action\":\"OVERWRITE_IF_EXISTS_OR_ADD\"}]},{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":authority\",\"string_match\":{\"contains\":\",\"}}]},\"name\":\"two_hosts\",\"direct_response\":{\"status\":400,\"body\":{\"inline_string\":\"it has two Host headers\\n\"}}},{\"match\":{\"path\":\"/healthz\",\"headers\":[{\"name\":\"x-outrider-check\",\"present_match\":true}]},\"route\":{\"cluster\":\"local_app\",\"timeout\":\"0s\"},\"request_headers_to_remove\":[\"x-outrider-destination\"],\"response_headers_to_remove\":[\"x-outrider-unseen\"],\"decorator\":{\"operation\":\"checkout\",\"propagate\":false},\"typed_per_filter_config\":{\"envoy.filters.http.health_check\":{\"@type\":\"type.googleapis.com/envoy.config.route.v3.FilterConfig\",\"config\":{}}}},{\"match\":{\"prefix\":\"/\"},\"route\":{\"cluster\":\"local_app\",\"timeout\":\"0s\"},\"request_headers_to_remove\":[\"x-outrider-destination\"],\"response_headers_to_remove\":[\"x-outrider-unseen\"],\"decorator\":{\"operation\":\"checkout\",\"propagate\":false},\"typed_per_filter_config\":{\"envoy.filters.http.local_ratelimit\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit\",\"stat_prefix\":\"ingress\",\"token_bucket\":{\"max_tokens\":500,\"tokens_per_fill\":500,\"fill_interval\":\"1s\"},\"filter_enabled\":{\"default_value\":{\"numerator\":100,\"denominator\":\"HUNDRED\"},\"runtime_key\":\"outrider.rate_enabled\"},\"filter_enforced\":{\"default_value\":{\"numerator\":100,\"denominator\":\"HUNDRED\"},\"runtime_key\":\"outrider.rate_enforced\"},\"response_headers_to_add\":[{\"header\":{\"key\":\"retry-after\",\"value\":\"1\"}}]}}}]}]},\"http_filters\":[{\"name\":\"envoy.filters.http.health_check\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck\",\"pass_through_mode\":true},\"disabled\":true},{\"name\":\"envoy.filters.http.local_ratelimit\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit\",\"stat_prefix\":\"ingress\"}},{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\",\"suppress_envoy_headers\":true,\"dynamic_stats\":false}}],\"request_headers_timeout\":\"10s\",\"early_header_mutation_extensions\":[{\"name\":\"envoy.http.early_header_mutation.header_mutation\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation\",\"mutations\":[{\"remove_on_match\":{\"key_matcher\":{\"prefix\":\"x-envoy-\"}}}]}}],\"normalize_path\":true,\"merge_slashes\":true,\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"and_filter\":{\"filters\":[{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":400}}}},{\"response_flag_filter\":{\"flags\":[]}}]}},{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":500}}}},{\"response_flag_filter\":{\"flags\":[\"UC\",\"UR\",\"UT\",\"SI\",\"OM\",\"DPE\",\"UPE\",\"URX\",\"NR\",\"LR\"]}},{\"extension_filter\":{\"name\":\"envoy.access_loggers.extension_filters.cel\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":\"response.code_details.startsWith('http2.') || response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'\"}}}]}}]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"ingress\",\"time\":\"%START_TIME%\",\"method\":\"%REQ(:METHOD)%\",\"path\":\"%PATH(NQ:PATH)%\",\"status\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"route\":\"%ROUTE_NAME%\",\"duration_ms\":\"%DURATION%\",\"tries\":\"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",\"endpoint\":\"%UPSTREAM_HOST%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"trace_id\":\"%TRACE_ID%\",\"failure\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}}}}],\"local_reply_config\":{\"mappers\":[{\"filter\":{\"response_flag_filter\":{\"flags\":[\"UF\"]}},\"headers_to_add\":[{\"header\":{\"key\":\"x-outrider-unseen\",\"value\":\"1\"},\"append_action\":\"OVERWRITE_IF_EXISTS_OR_ADD\"}]},{\"filter\":{\"response_flag_filter\":{\"flags\":[\"UC\"]}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"%LOCAL_REPLY_BODY%: the app closed the connection before it answered; if it closes idle connections after less than a second, say so with ingress.keep_alive\"}}},{\"filter\":{\"status_code_filter\":{\"comparison\":{\"op\":\"LE\",\"value\":{\"default_value\":501}}}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"the sidecar of checkout (ingress) refused this request: %RESPONSE_CODE_DETAILS%\\n%LOCAL_REPLY_BODY%\"}}}]},\"tracing\":{\"provider\":{\"name\":\"envoy.tracers.zipkin\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.config.trace.v3.ZipkinConfig\",\"collector_cluster\":\"trace_collector\",\"collector_hostname\":\"zipkin.example:9411\",\"collector_endpoint\":\"/api/v2/spans\",\"collector_endpoint_version\":\"HTTP_JSON\",\"trace_id_128bit\":true,\"shared_span_context\":false,\"trace_context_option\":\"USE_B3\"}},\"random_sampling\":{\"value\":1.0},\"client_sampling\":{\"value\":0},\"max_path_tag_length\":128},\"upgrade_configs\":[{\"upgrade_type\":\"websocket\"}]}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"ingress\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"traffic_direction\":\"INBOUND\"},{\"name\":\"egress_catalog\",\"address\":{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":19100}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"egress_catalog\",\"codec_type\":\"AUTO\",\"http_protocol_options\":{\"accept_http_10\":true,\"default_host_for_http_10\":\"catalog\",\"enable_trailers\":true,\"ignore_http_11_upgrade\":[{\"safe_regex\":{\"regex\":\"(?i)(?:[^w].*|w(?:[^e].*|e(?:[^b].*|b(?:[^s].*|s(?:[^o].*|o(?:[^c].*|c(?:[^k].*|k(?:[^e].*|e(?:[^t].*|t.+)?)?)?)?)?)?)?)?)?\"}}]},\"http2_protocol_options\":{\"max_concurrent_streams\":128,\"initial_stream_window_size\":65536,\"initial_connection_window_size\":1048576},\"common_http_protocol_options\":{\"max_headers_count\":1000},\"max_request_headers_kb\":128,\"proxy_100_continue\":true,\"stream_idle_timeout\":\"0s\",\"server_header_transformation\":\"PASS_THROUGH\",\"use_remote_address\":false,\"skip_xff_append\":true,\"route_config\":{\"name\":\"egress_catalog\",\"validate_clusters\":true,\"virtual_hosts\":[{\"name\":\"egress_catalog\",\"domains\":[\"*\"],\"routes\":[{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":authority\",\"string_match\":{\"contains\":\",\"}}]},\"name\":\"two_hosts\",\"direct_response\":{\"status\":400,\"body\":{\"inline_string\":\"it has two Host headers\\n\"}}},{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"safe_regex\":{\"regex\":\"GET|HEAD|OPTIONS|PUT|DELETE\"}}}]},\"route\":{\"cluster\":\"catalog\",\"timeout\":\"3s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers,reset,gateway-error\",\"per_try_timeout\":\"1.500s\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":1,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"catalog\",\"propagate\":false}},{\"match\":{\"prefix\":\"/\"},\"route\":{\"cluster\":\"catalog\",\"timeout\":\"3s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":1,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"catalog\",\"propagate\":false}}],\"request_body_buffer_limit\":131072,\"request_headers_to_add\":[{\"header\":{\"key\":\"x-outrider-destination\",\"value\":\"catalog\"},\"append_action\":\"OVERWRITE_IF_EXISTS_OR_ADD\"}],\"response_headers_to_remove\":[\"x-outrider-unseen\"]}]},\"http_filters\":[{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\",\"suppress_envoy_headers\":true,\"dynamic_stats\":false}}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"and_filter\":{\"filters\":[{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":400}}}},{\"response_flag_filter\":{\"flags\":[]}}]}},{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":500}}}},{\"response_flag_filter\":{\"flags\":[\"UC\",\"UR\",\"UT\",\"SI\",\"OM\",\"DPE\",\"UPE\",\"URX\",\"NR\",\"LR\"]}},{\"extension_filter\":{\"name\":\"envoy.access_loggers.extension_filters.cel\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":\"response.code_details.startsWith('http2.') || response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'\"}}}]}}]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_catalog\",\"time\":\"%START_TIME%\",\"method\":\"%REQ(:METHOD)%\",\"path\":\"%PATH(NQ:PATH)%\",\"status\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"route\":\"%ROUTE_NAME%\",\"duration_ms\":\"%DURATION%\",\"tries\":\"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",\"endpoint\":\"%UPSTREAM_HOST%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"trace_id\":\"%TRACE_ID%\",\"failure\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}}}}],\"local_reply_config\":{\"mappers\":[{\"filter\":{\"status_code_filter\":{\"comparison\":{\"op\":\"LE\",\"value\":{\"default_value\":501}}}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"the sidecar of checkout (egress_catalog) refused this request: %RESPONSE_CODE_DETAILS%\\n%LOCAL_REPLY_BODY%\"}}}]},\"tracing\":{\"provider\":{\"name\":\"envoy.tracers.zipkin\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.config.trace.v3.ZipkinConfig\",\"collector_cluster\":\"trace_collector\",\"collector_hostname\":\"zipkin.example:9411\",\"collector_endpoint\":\"/api/v2/spans\",\"collector_endpoint_version\":\"HTTP_JSON\",\"trace_id_128bit\":true,\"shared_span_context\":false,\"trace_context_option\":\"USE_B3\"}},\"random_sampling\":{\"value\":1.0},\"client_sampling\":{\"value\":0},\"max_path_tag_length\":128},\"upgrade_configs\":[{\"upgrade_type\":\"websocket\"}]}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_catalog\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"traffic_direction\":\"OUTBOUND\"},{\"name\":\"egress_feed\",\"address\":{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":19101}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"egress_feed\",\"codec_type\":\"AUTO\",\"http_protocol_options\":{\"accept_http_10\":true,\"default_host_for_http_10\":\"feed\",\"enable_trailers\":true,\"ignore_http_11_upgrade\":[{\"safe_regex\":{\"regex\":\"(?i)(?:[^w].*|w(?:[^e].*|e(?:[^b].*|b(?:[^s].*|s(?:[^o].*|o(?:[^c].*|c(?:[^k].*|k(?:[^e].*|e(?:[^t].*|t.+)?)?)?)?)?)?)?)?)?\"}}]},\"http2_protocol_options\":{\"max_concurrent_streams\":128,\"initial_stream_window_size\":65536,\"initial_connection_window_size\":1048576},\"common_http_protocol_options\":{\"max_headers_count\":1000},\"max_request_headers_kb\":128,\"proxy_100_continue\":true,\"stream_idle_timeout\":\"300s\",\"server_header_transformation\":\"PASS_THROUGH\",\"use_remote_address\":false,\"skip_xff_append\":true,\"route_config\":{\"name\":\"egress_feed\",\"validate_clusters\":true,\"virtual_hosts\":[{\"name\":\"egress_feed\",\"domains\":[\"*\"],\"routes\":[{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":authority\",\"string_match\":{\"contains\":\",\"}}]},\"name\":\"two_hosts\",\"direct_response\":{\"status\":400,\"body\":{\"inline_string\":\"it has two Host headers\\n\"}}},{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"safe_regex\":{\"regex\":\"GET|HEAD|OPTIONS|PUT|DELETE\"}}}]},\"route\":{\"cluster\":\"feed\",\"timeout\":\"0s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers,reset,gateway-error\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":1,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"feed\",\"propagate\":false}},{\"match\":{\"prefix\":\"/\"},\"route\":{\"cluster\":\"feed\",\"timeout\":\"0s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":1,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"feed\",\"propagate\":false}}],\"request_body_buffer_limit\":131072,\"request_headers_to_add\":[{\"header\":{\"key\":\"x-outrider-destination\",\"value\":\"feed\"},\"append_action\":\"OVERWRITE_IF_EXISTS_OR_ADD\"}],\"response_headers_to_remove\":[\"x-outrider-unseen\"]}]},\"http_filters\":[{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\",\"suppress_envoy_headers\":true,\"dynamic_stats\":false}}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"and_filter\":{\"filters\":[{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":400}}}},{\"response_flag_filter\":{\"flags\":[]}}]}},{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":500}}}},{\"response_flag_filter\":{\"flags\":[\"UC\",\"UR\",\"UT\",\"SI\",\"OM\",\"DPE\",\"UPE\",\"URX\",\"NR\",\"LR\"]}},{\"extension_filter\":{\"name\":\"envoy.access_loggers.extension_filters.cel\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":\"response.code_details.startsWith('http2.') || response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'\"}}}]}}]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_feed\",\"time\":\"%START_TIME%\",\"method\":\"%REQ(:METHOD)%\",\"path\":\"%PATH(NQ:PATH)%\",\"status\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"route\":\"%ROUTE_NAME%\",\"duration_ms\":\"%DURATION%\",\"tries\":\"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",\"endpoint\":\"%UPSTREAM_HOST%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"trace_id\":\"%TRACE_ID%\",\"failure\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}}}}],\"local_reply_config\":{\"mappers\":[{\"filter\":{\"status_code_filter\":{\"comparison\":{\"op\":\"LE\",\"value\":{\"default_value\":501}}}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"the sidecar of checkout (egress_feed) refused this request: %RESPONSE_CODE_DETAILS%\\n%LOCAL_REPLY_BODY%\"}}}]},\"tracing\":{\"provider\":{\"name\":\"envoy.tracers.zipkin\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.config.trace.v3.ZipkinConfig\",\"collector_cluster\":\"trace_collector\",\"collector_hostname\":\"zipkin.example:9411\",\"collector_endpoint\":\"/api/v2/spans\",\"collector_endpoint_version\":\"HTTP_JSON\",\"trace_id_128bit\":true,\"shared_span_context\":false,\"trace_context_option\":\"USE_B3\"}},\"random_sampling\":{\"value\":1.0},\"client_sampling\":{\"value\":0},\"max_path_tag_length\":128},\"upgrade_configs\":[{\"upgrade_type\":\"websocket\"}]}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_feed\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"traffic_direction\":\"OUTBOUND\"},{\"name\":\"egress_payments\",\"address\":{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":19102}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"egress_payments\",\"codec_type\":\"AUTO\",\"http_protocol_options\":{\"accept_http_10\":true,\"default_host_for_http_10\":\"payments\",\"enable_trailers\":true,\"ignore_http_11_upgrade\":[{\"safe_regex\":{\"regex\":\"(?i)(?:[^w].*|w(?:[^e].*|e(?:[^b].*|b(?:[^s].*|s(?:[^o].*|o(?:[^c].*|c(?:[^k].*|k(?:[^e].*|e(?:[^t].*|t.+)?)?)?)?)?)?)?)?)?\"}}]},\"http2_protocol_options\":{\"max_concurrent_streams\":128,\"initial_stream_window_size\":65536,\"initial_connection_window_size\":1048576},\"common_http_protocol_options\":{\"max_headers_count\":1000},\"max_request_headers_kb\":128,\"proxy_100_continue\":true,\"stream_idle_timeout\":\"0s\",\"server_header_transformation\":\"PASS_THROUGH\",\"use_remote_address\":false,\"skip_xff_append\":true,\"route_config\":{\"name\":\"egress_payments\",\"validate_clusters\":true,\"virtual_hosts\":[{\"name\":\"egress_payments\",\"domains\":[\"*\"],\"routes\":[{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":authority\",\"string_match\":{\"contains\":\",\"}}]},\"name\":\"two_hosts\",\"direct_response\":{\"status\":400,\"body\":{\"inline_string\":\"it has two Host headers\\n\"}}},{\"match\":{\"prefix\":\"/\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"safe_regex\":{\"regex\":\"GET|HEAD|OPTIONS|PUT|DELETE\"}}}]},\"route\":{\"cluster\":\"payments\",\"timeout\":\"0.800s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers,reset,gateway-error\",\"per_try_timeout\":\"0.400s\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":2,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"payments\",\"propagate\":false}},{\"match\":{\"prefix\":\"/\"},\"route\":{\"cluster\":\"payments\",\"timeout\":\"0.800s\",\"retry_policy\":{\"retry_on\":\"connect-failure,refused-stream,reset-before-request,retriable-headers\",\"retriable_headers\":[{\"name\":\"x-outrider-unseen\",\"present_match\":true}],\"num_retries\":2,\"retry_back_off\":{\"base_interval\":\"0.025s\",\"max_interval\":\"0.250s\"},\"retry_host_predicate\":[{\"name\":\"envoy.retry_host_predicates.previous_hosts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate\"}}],\"host_selection_retry_max_attempts\":64}},\"decorator\":{\"operation\":\"payments\",\"propagate\":false}}],\"request_body_buffer_limit\":131072,\"request_headers_to_add\":[{\"header\":{\"key\":\"x-outrider-destination\",\"value\":\"payments\"},\"append_action\":\"OVERWRITE_IF_EXISTS_OR_ADD\"}],\"response_headers_to_remove\":[\"x-outrider-unseen\"]}]},\"http_filters\":[{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\",\"suppress_envoy_headers\":true,\"dynamic_stats\":false}}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"and_filter\":{\"filters\":[{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":400}}}},{\"response_flag_filter\":{\"flags\":[]}}]}},{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":500}}}},{\"response_flag_filter\":{\"flags\":[\"UC\",\"UR\",\"UT\",\"SI\",\"OM\",\"DPE\",\"UPE\",\"URX\",\"NR\",\"LR\"]}},{\"extension_filter\":{\"name\":\"envoy.access_loggers.extension_filters.cel\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":\"response.code_details.startsWith('http2.') || response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'\"}}}]}}]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_payments\",\"time\":\"%START_TIME%\",\"method\":\"%REQ(:METHOD)%\",\"path\":\"%PATH(NQ:PATH)%\",\"status\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"route\":\"%ROUTE_NAME%\",\"duration_ms\":\"%DURATION%\",\"tries\":\"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",\"endpoint\":\"%UPSTREAM_HOST%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"trace_id\":\"%TRACE_ID%\",\"failure\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}}}}],\"local_reply_config\":{\"mappers\":[{\"filter\":{\"status_code_filter\":{\"comparison\":{\"op\":\"LE\",\"value\":{\"default_value\":501}}}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"the sidecar of checkout (egress_payments) refused this request: %RESPONSE_CODE_DETAILS%\\n%LOCAL_REPLY_BODY%\"}}}]},\"tracing\":{\"provider\":{\"name\":\"envoy.tracers.zipkin\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.config.trace.v3.ZipkinConfig\",\"collector_cluster\":\"trace_collector\",\"collector_hostname\":\"zipkin.example:9411\",\"collector_endpoint\":\"/api/v2/spans\",\"collector_endpoint_version\":\"HTTP_JSON\",\"trace_id_128bit\":true,\"shared_span_context\":false,\"trace_context_option\":\"USE_B3\"}},\"random_sampling\":{\"value\":1.0},\"client_sampling\":{\"value\":0},\"max_path_tag_length\":128},\"upgrade_configs\":[{\"upgrade_type\":\"websocket\"}]}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_payments\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"traffic_direction\":\"OUTBOUND\"},{\"name\":\"egress_sessions\",\"address\":{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":19103}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.redis_proxy\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy\",\"stat_prefix\":\"egress_sessions\",\"settings\":{\"op_timeout\":\"3s\",\"enable_command_stats\":true,\"enable_hashtagging\":true},\"prefix_routes\":{\"catch_all_route\":{\"cluster\":\"sessions\"}},\"custom_commands\":[\"bitfield_ro\",\"expiretime\",\"pexpiretime\",\"xsetid\"],\"faults\":[{\"fault_type\":\"ERROR\",\"fault_enabled\":{\"default_value\":{\"numerator\":100,\"denominator\":\"HUNDRED\"}},\"commands\":[\"multi\",\"script\",\"select\",\"watch\",\"role\"]}]}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"egress_sessions\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"traffic_direction\":\"OUTBOUND\"},{\"name\":\"metrics\",\"address\":{\"socket_address\":{\"address\":\"0.0.0.0\",\"port_value\":19001}},\"enable_reuse_port\":false,\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3},\"per_connection_buffer_limit_bytes\":16384,\"filter_chains\":[{\"filters\":[{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"metrics\",\"codec_type\":\"AUTO\",\"http_protocol_options\":{\"accept_http_10\":true,\"default_host_for_http_10\":\"metrics\",\"enable_trailers\":true,\"ignore_http_11_upgrade\":[{\"safe_regex\":{\"regex\":\"(?i)(?:[^w].*|w(?:[^e].*|e(?:[^b].*|b(?:[^s].*|s(?:[^o].*|o(?:[^c].*|c(?:[^k].*|k(?:[^e].*|e(?:[^t].*|t.+)?)?)?)?)?)?)?)?)?\"}}]},\"http2_protocol_options\":{\"max_concurrent_streams\":128,\"initial_stream_window_size\":65536,\"initial_connection_window_size\":1048576},\"common_http_protocol_options\":{\"idle_timeout\":\"650s\",\"max_headers_count\":1050,\"headers_with_underscores_action\":\"REJECT_REQUEST\"},\"max_request_headers_kb\":136,\"proxy_100_continue\":true,\"stream_idle_timeout\":\"0s\",\"server_header_transformation\":\"PASS_THROUGH\",\"use_remote_address\":false,\"skip_xff_append\":true,\"route_config\":{\"name\":\"metrics\",\"validate_clusters\":true,\"virtual_hosts\":[{\"name\":\"metrics\",\"domains\":[\"*\"],\"routes\":[{\"match\":{\"path\":\"/stats/prometheus\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"exact\":\"GET\"}}]},\"route\":{\"cluster\":\"envoy_admin\",\"timeout\":\"10s\"}},{\"match\":{\"path\":\"/agent/metrics\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"exact\":\"GET\"}}]},\"route\":{\"cluster\":\"discovery_agent\",\"timeout\":\"10s\",\"prefix_rewrite\":\"/metrics\"}},{\"match\":{\"path\":\"/agent/endpoints\",\"headers\":[{\"name\":\":method\",\"string_match\":{\"exact\":\"GET\"}}]},\"route\":{\"cluster\":\"discovery_agent\",\"timeout\":\"10s\",\"prefix_rewrite\":\"/endpoints\"}}]}]},\"http_filters\":[{\"name\":\"envoy.filters.http.health_check\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck\",\"pass_through_mode\":false,\"headers\":[{\"name\":\":path\",\"string_match\":{\"exact\":\"/health\"}},{\"name\":\":method\",\"string_match\":{\"exact\":\"GET\"}}],\"cluster_min_healthy_percentages\":{\"local_app\":{\"value\":100}}}},{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\",\"suppress_envoy_headers\":true,\"dynamic_stats\":false}}],\"request_headers_timeout\":\"10s\",\"early_header_mutation_extensions\":[{\"name\":\"envoy.http.early_header_mutation.header_mutation\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation\",\"mutations\":[{\"remove_on_match\":{\"key_matcher\":{\"prefix\":\"x-envoy-\"}}}]}}],\"normalize_path\":true,\"merge_slashes\":true,\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"and_filter\":{\"filters\":[{\"or_filter\":{\"filters\":[{\"status_code_filter\":{\"comparison\":{\"op\":\"GE\",\"value\":{\"default_value\":400}}}},{\"response_flag_filter\":{\"flags\":[]}}]}},{\"extension_filter\":{\"name\":\"envoy.access_loggers.extension_filters.cel\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter\",\"expression\":\"response.code_details.startsWith('http2.') || response.code >= 400 && response.code < 500 && response.code_details != 'via_upstream'\"}}}]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"metrics\",\"time\":\"%START_TIME%\",\"method\":\"%REQ(:METHOD)%\",\"path\":\"%PATH(NQ:PATH)%\",\"status\":\"%RESPONSE_CODE%\",\"flags\":\"%RESPONSE_FLAGS%\",\"details\":\"%RESPONSE_CODE_DETAILS%\",\"route\":\"%ROUTE_NAME%\",\"duration_ms\":\"%DURATION%\",\"tries\":\"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\",\"endpoint\":\"%UPSTREAM_HOST%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"request_id\":\"%REQ(X-REQUEST-ID)%\",\"trace_id\":\"%TRACE_ID%\",\"failure\":\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"}}}}],\"local_reply_config\":{\"mappers\":[{\"filter\":{\"status_code_filter\":{\"comparison\":{\"op\":\"LE\",\"value\":{\"default_value\":501}}}},\"body_format_override\":{\"text_format_source\":{\"inline_string\":\"the sidecar of checkout (metrics) refused this request: %RESPONSE_CODE_DETAILS%\\n%LOCAL_REPLY_BODY%\"}}}]}}}]}],\"access_log\":[{\"name\":\"envoy.access_loggers.stdout\",\"filter\":{\"response_flag_filter\":{\"flags\":[\"DPE\"]}},\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog\",\"log_format\":{\"json_format\":{\"listener\":\"metrics\",\"time\":\"%START_TIME%\",\"flags\":\"%RESPONSE_FLAGS%\",\"peer\":\"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%\",\"details\":\"%DOWNSTREAM_LOCAL_CLOSE_REASON%\"}}}}],\"ignore_global_conn_limit\":true,\"bypass_overload_manager\":true}],\"clusters\":[{\"name\":\"local_app\",\"type\":\"STATIC\",\"connect_timeout\":\"1.500s\",\"load_assignment\":{\"cluster_name\":\"local_app\",\"endpoints\":[{\"lb_endpoints\":[{\"endpoint\":{\"address\":{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":8080}}}}]}]},\"per_connection_buffer_limit_bytes\":16384,\"circuit_breakers\":{\"thresholds\":[{\"max_connections\":4294967295,\"max_pending_requests\":4294967295,\"max_requests\":4294967295}]},\"common_lb_config\":{\"healthy_panic_threshold\":{\"value\":100}},\"health_checks\":[{\"timeout\":\"1s\",\"interval\":\"2s\",\"unhealthy_interval\":\"1s\",\"no_traffic_interval\":\"1s\",\"no_traffic_healthy_interval\":\"2s\",\"healthy_threshold\":1,\"unhealthy_threshold\":2,\"tcp_health_check\":{}}],\"typed_extension_protocol_options\":{\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\":{\"@type\":\"type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\",\"common_http_protocol_options\":{\"idle_timeout\":\"2.500s\",\"max_headers_count\":1000,\"max_response_headers_kb\":128},\"explicit_http_config\":{\"http_protocol_options\":{\"enable_trailers\":true}}}}},{\"name\":\"catalog\",\"type\":\"EDS\",\"connect_timeout\":\"0.500s\",\"eds_cluster_config\":{\"service_name\":\"catalog\",\"eds_config\":{\"resource_api_version\":\"V3\",\"initial_fetch_timeout\":\"3s\",\"api_config_source\":{\"api_type\":\"REST\",\"transport_api_version\":\"V3\",\"cluster_names\":[\"discovery_agent\"],\"refresh_delay\":\"0.020s\",\"request_timeout\":\"60s\"}}},\"ignore_health_on_host_removal\":true,\"per_connection_buffer_limit_bytes\":16384,\"upstream_connection_options\":{\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3}},\"lb_policy\":\"LEAST_REQUEST\",\"circuit_breakers\":{\"thresholds\":[{\"max_connections\":1024,\"max_pending_requests\":200,\"max_requests\":200,\"track_remaining\":true,\"retry_budget\":{\"budget_percent\":{\"value\":20},\"min_retry_concurrency\":8}}]},\"outlier_detection\":{\"consecutive_5xx\":5,\"enforcing_consecutive_5xx\":0,\"consecutive_gateway_failure\":5,\"enforcing_consecutive_gateway_failure\":100,\"enforcing_success_rate\":0,\"interval\":\"1s\",\"base_ejection_time\":\"3s\",\"max_ejection_time\":\"30s\",\"max_ejection_percent\":50,\"always_eject_one_host\":false},\"common_lb_config\":{\"healthy_panic_threshold\":{\"value\":40}},\"typed_extension_protocol_options\":{\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\":{\"@type\":\"type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\",\"common_http_protocol_options\":{\"idle_timeout\":\"30s\",\"max_headers_count\":1050,\"max_response_headers_kb\":136},\"explicit_http_config\":{\"http_protocol_options\":{\"enable_trailers\":true}}}}},{\"name\":\"feed\",\"type\":\"EDS\",\"connect_timeout\":\"0.500s\",\"eds_cluster_config\":{\"service_name\":\"feed\",\"eds_config\":{\"resource_api_version\":\"V3\",\"initial_fetch_timeout\":\"3s\",\"api_config_source\":{\"api_type\":\"REST\",\"transport_api_version\":\"V3\",\"cluster_names\":[\"discovery_agent\"],\"refresh_delay\":\"0.020s\",\"request_timeout\":\"60s\"}}},\"ignore_health_on_host_removal\":true,\"per_connection_buffer_limit_bytes\":16384,\"upstream_connection_options\":{\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3}},\"lb_policy\":\"LEAST_REQUEST\",\"circuit_breakers\":{\"thresholds\":[{\"max_connections\":1024,\"max_pending_requests\":200,\"max_requests\":200,\"track_remaining\":true,\"retry_budget\":{\"budget_percent\":{\"value\":20},\"min_retry_concurrency\":8}}]},\"outlier_detection\":{\"consecutive_5xx\":5,\"enforcing_consecutive_5xx\":0,\"consecutive_gateway_failure\":5,\"enforcing_consecutive_gateway_failure\":100,\"enforcing_success_rate\":0,\"interval\":\"1s\",\"base_ejection_time\":\"3s\",\"max_ejection_time\":\"30s\",\"max_ejection_percent\":50,\"always_eject_one_host\":false},\"common_lb_config\":{\"healthy_panic_threshold\":{\"value\":40}},\"typed_extension_protocol_options\":{\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\":{\"@type\":\"type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\",\"common_http_protocol_options\":{\"idle_timeout\":\"30s\",\"max_headers_count\":1050,\"max_response_headers_kb\":136},\"explicit_http_config\":{\"http_protocol_options\":{\"enable_trailers\":true}}}}},{\"name\":\"payments\",\"type\":\"EDS\",\"connect_timeout\":\"0.500s\",\"eds_cluster_config\":{\"service_name\":\"payments\",\"eds_config\":{\"resource_api_version\":\"V3\",\"initial_fetch_timeout\":\"3s\",\"api_config_source\":{\"api_type\":\"REST\",\"transport_api_version\":\"V3\",\"cluster_names\":[\"discovery_agent\"],\"refresh_delay\":\"0.020s\",\"request_timeout\":\"60s\"}}},\"ignore_health_on_host_removal\":true,\"per_connection_buffer_limit_bytes\":16384,\"upstream_connection_options\":{\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3}},\"lb_policy\":\"LEAST_REQUEST\",\"circuit_breakers\":{\"thresholds\":[{\"max_connections\":1024,\"max_pending_requests\":100,\"max_requests\":100,\"track_remaining\":true,\"retry_budget\":{\"budget_percent\":{\"value\":20},\"min_retry_concurrency\":8}}]},\"outlier_detection\":{\"consecutive_5xx\":5,\"enforcing_consecutive_5xx\":0,\"consecutive_gateway_failure\":5,\"enforcing_consecutive_gateway_failure\":100,\"enforcing_success_rate\":0,\"interval\":\"1s\",\"base_ejection_time\":\"3s\",\"max_ejection_time\":\"30s\",\"max_ejection_percent\":50,\"always_eject_one_host\":false},\"common_lb_config\":{\"healthy_panic_threshold\":{\"value\":40}},\"typed_extension_protocol_options\":{\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\":{\"@type\":\"type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\",\"common_http_protocol_options\":{\"idle_timeout\":\"30s\",\"max_headers_count\":1050,\"max_response_headers_kb\":136},\"explicit_http_config\":{\"http_protocol_options\":{\"enable_trailers\":true}}}}},{\"name\":\"sessions\",\"type\":\"EDS\",\"connect_timeout\":\"0.500s\",\"eds_cluster_config\":{\"service_name\":\"sessions\",\"eds_config\":{\"resource_api_version\":\"V3\",\"initial_fetch_timeout\":\"3s\",\"api_config_source\":{\"api_type\":\"REST\",\"transport_api_version\":\"V3\",\"cluster_names\":[\"discovery_agent\"],\"refresh_delay\":\"0.020s\",\"request_timeout\":\"60s\"}}},\"ignore_health_on_host_removal\":true,\"per_connection_buffer_limit_bytes\":16384,\"upstream_connection_options\":{\"tcp_keepalive\":{\"keepalive_time\":30,\"keepalive_interval\":5,\"keepalive_probes\":3}},\"lb_policy\":\"MAGLEV\"},{\"name\":\"discovery_agent\",\"type\":\"STATIC\",\"connect_timeout\":\"0.500s\",\"load_assignment\":{\"cluster_name\":\"discovery_agent\",\"endpoints\":[{\"lb_endpoints\":[{\"endpoint\":{\"address\":{\"pipe\":{\"path\":\"/alloc/agent.sock\"}}}}]}]}},{\"name\":\"envoy_admin\",\"type\":\"STATIC\",\"connect_timeout\":\"0.500s\",\"load_assignment\":{\"cluster_name\":\"envoy_admin\",\"endpoints\":[{\"lb_endpoints\":[{\"endpoint\":{\"address\":{\"pipe\":{\"path\":\"/alloc/envoy.sock\"}}}}]}]}},{\"name\":\"trace_collector\",\"type\":\"STRICT_DNS\",\"connect_timeout\":\"3s\",\"dns_lookup_family\":\"V4_PREFERRED\",\"wait_for_warm_on_init\":false,\"load_assignment\":{\"cluster_name\":\"trace_collector\",\"endpoints\":[{\"lb_endpoints\":[{\"endpoint\":{\"address\":{\"socket_address\":{\"address\":\"zipkin.example\",\"port_value\":9411}}}}]}]},\"circuit_breakers\":{\"thresholds\":[{\"max_connections\":20,\"max_pending_requests\":40,\"max_requests\":40}]}}]},\"inline_headers\":[{\"inline_header_name\":\"x-outrider-destination\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-outrider-check\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"b3\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-b3-traceid\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-b3-spanid\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-b3-parentspanid\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-b3-sampled\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-b3-flags\",\"inline_header_type\":\"REQUEST_HEADER\"},{\"inline_header_name\":\"x-outrider-unseen\",\"inline_header_type\":\"RESPONSE_HEADER\"}],\"stats_config\":{\"stats_matcher\":{\"inclusion_list\":{\"patterns\":[{\"safe_regex\":{\"regex\":\"cluster\\\\.(local_app|discovery_agent|catalog|feed|payments|sessions)\\\\.(upstream_cx_(total|active|connect_fail|connect_timeout|overflow|destroy|rx_bytes_total|tx_bytes_total)|upstream_rq_(total|active|pending_overflow|pending_failure_eject|timeout|per_try_timeout|rx_reset|tx_reset|retry.*)|membership_(total|healthy|degraded)|outlier_detection.ejections_(active|enforced_total|overflow)|update_(attempt|success|failure|rejected|empty)|lb_healthy_panic|circuit_breakers.default.*|retry_or_shadow.*)\"}},{\"safe_regex\":{\"regex\":\"http\\\\.(ingress|egress_[^.]+)\\\\.(downstream_rq_.*|downstream_cx_(total|active|destroy|protocol_error)|no_route|rq_total)\"}},{\"prefix\":\"server.\"},{\"prefix\":\"listener_manager.\"},{\"prefix\":\"tcp.\"},{\"prefix\":\"redis.\"},{\"prefix\":\"overload.\"},{\"prefix\":\"tracing.zipkin.\"},{\"prefix\":\"ingress.\"}]}},\"histogram_bucket_settings\":[{\"match\":{\"prefix\":\"http.\"},\"buckets\":[0.5,1,2,5,10,25,50,100,250,500,1000,2500,5000,10000,30000,60000]}],\"stats_tags\":[{\"tag_name\":\"outrider_service\",\"fixed_value\":\"checkout\"},{\"tag_name\":\"outrider_environment\",\"fixed_value\":\"production\"}]},\"overload_manager\":{\"refresh_interval\":\"0.100s\",\"resource_monitors\":[{\"name\":\"envoy.resource_monitors.fixed_heap\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig\",\"max_heap_size_bytes\":46137344}},{\"name\":\"envoy.resource_monitors.global_downstream_max_connections\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig\",\"max_active_downstream_connections\":640}}],\"actions\":[{\"name\":\"envoy.overload_actions.shrink_heap\",\"triggers\":[{\"name\":\"envoy.resource_monitors.fixed_heap\",\"threshold\":{\"value\":0.9}}]},{\"name\":\"envoy.overload_actions.disable_http_keepalive\",\"triggers\":[{\"name\":\"envoy.resource_monitors.fixed_heap\",\"threshold\":{\"value\":0.92}}]},{\"name\":\"envoy.overload_actions.stop_accepting_requests\",\"triggers\":[{\"name\":\"envoy.resource_monitors.fixed_heap\",\"threshold\":{\"value\":0.95}}]},{\"name\":\"envoy.overload_actions.reduce_timeouts\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig\",\"timer_scale_factors\":[{\"timer\":\"HTTP_DOWNSTREAM_CONNECTION_IDLE\",\"min_timeout\":\"60s\"}]},\"triggers\":[{\"name\":\"envoy.resource_monitors.global_downstream_max_connections\",\"scaled\":{\"scaling_threshold\":0.8,\"saturation_threshold\":0.95}}]}],\"loadshed_points\":[{\"name\":\"envoy.load_shed_points.tcp_listener_accept\",\"triggers\":[{\"name\":\"envoy.resource_monitors.fixed_heap\",\"threshold\":{\"value\":0.98}}]}]},\"layered_runtime\":{\"layers\":[{\"name\":\"outrider\",\"static_layer\":{\"tracing.zipkin.min_flush_spans\":10,\"tracing.zipkin.flush_interval_ms\":2000,\"tracing.zipkin.request_timeout\":1000}}]}}"
        perms = "0400"
        uid = 65534
      }
      resources {
        cpu = 50
        memory = 64
      }
      logs {
        max_files = 2
        max_file_size = 5
      }
      kill_signal = "SIGTERM"
      kill_timeout = "5000ms"
      lifecycle {
        hook = "prestart"
        sidecar = true
      }
      restart {
        attempts = 10
        delay = "1000ms"
        interval = "10000ms"
        mode = "delay"
      }
    }
    task "gate" {
      driver = "docker"
      user = "65534"
      config {
        image = "python:3.13-slim"
        command = "python3"
        args = ["-I", "-S", "/local/outrider-agent.pyz", "gate"]
      }
      env = {
        "OUTRIDER_AGENT_ENVOY_ADMIN" = "unix:/alloc/envoy.sock"
        "OUTRIDER_AGENT_LISTEN" = "unix:/alloc/agent.sock"
        "OUTRIDER_AGENT_UPSTREAMS" = "catalog,feed,payments,sessions"
      }
      template {
        change_mode = "noop"
        destination = "local/outrider-agent.pyz"
        data = "{{ base64Decode \"Z2F0ZQ==\" }}"
        perms = "0400"
        uid = 65534
      }
      resources {
        cpu = 20
        memory = 24
      }
      logs {
        max_files = 2
        max_file_size = 5
      }
      kill_signal = "SIGTERM"
      kill_timeout = "5000ms"
      lifecycle {
        hook = "prestart"
        sidecar = false
      }
      restart {
        attempts = 0
        delay = "1000ms"
        interval = "10000ms"
        mode = "fail"
      }
    }
    task "app" {
      driver = "docker"
      config {
        image = "registry.example/checkout:1.4.2"
      }
      env = {
        "CATALOG_ADDR" = "127.0.0.1:19100"
        "CATALOG_URL" = "http://127.0.0.1:19100"
        "FEED_ADDR" = "127.0.0.1:19101"
        "FEED_URL" = "http://127.0.0.1:19101"
        "HOST" = "127.0.0.1"
        "LOG_LEVEL" = "info"
        "OUTRIDER_ENVIRONMENT" = "production"
        "OUTRIDER_SERVICE" = "checkout"
        "OUTRIDER_VERSION" = "f33bc5e9d7d0"
        "PAYMENTS_ADDR" = "127.0.0.1:19102"
        "PAYMENTS_URL" = "http://127.0.0.1:19102"
        "PORT" = "8080"
        "SESSIONS_ADDR" = "127.0.0.1:19103"
        "SESSIONS_URL" = "redis://127.0.0.1:19103"
        "WORKERS" = "4"
      }
      resources {
        cpu = 200
        memory = 256
      }
      logs {
        max_files = 10
        max_file_size = 10
      }
      kill_signal = "SIGTERM"
      kill_timeout = "20000ms"
      restart {
        attempts = 3
        delay = "2000ms"
        interval = "300000ms"
        mode = "fail"
      }
    }
  }
}
