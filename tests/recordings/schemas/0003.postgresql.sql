SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
COMMENT ON SCHEMA public IS '';
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.artifacts (
    sha256 character varying(64) NOT NULL,
    content bytea NOT NULL,
    added_at timestamp with time zone NOT NULL
);
CREATE TABLE public.deployments (
    id character varying(36) NOT NULL,
    environment character varying(63) NOT NULL,
    service character varying(63) NOT NULL,
    kind character varying(16) NOT NULL,
    state character varying(16) NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    version integer,
    previous integer,
    count integer,
    purge boolean NOT NULL,
    expected_index bigint NOT NULL,
    modify_index bigint,
    evaluation character varying(64),
    nomad_deployment character varying(64),
    reason text NOT NULL,
    idempotency_key character varying(255),
    request_hash character varying(64),
    ended_at timestamp with time zone,
    lease_holder character varying(64),
    lease_until timestamp with time zone
);
CREATE TABLE public.events (
    deployment character varying(36) NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    kind character varying(16) NOT NULL,
    message text NOT NULL,
    detail json NOT NULL
);
CREATE TABLE public.requests (
    key character varying(255) NOT NULL,
    hash character varying(64),
    deployment character varying(36) NOT NULL
);
CREATE TABLE public.services (
    environment character varying(63) NOT NULL,
    name character varying(63) NOT NULL,
    latest integer NOT NULL
);
CREATE TABLE public.version_artifacts (
    environment character varying(63) NOT NULL,
    service character varying(63) NOT NULL,
    number integer NOT NULL,
    sha256 character varying(64) NOT NULL
);
CREATE TABLE public.versions (
    environment character varying(63) NOT NULL,
    service character varying(63) NOT NULL,
    number integer NOT NULL,
    hash character varying(64) NOT NULL,
    protocol character varying(16) NOT NULL,
    file text NOT NULL,
    spec text NOT NULL,
    merged json NOT NULL,
    job json NOT NULL,
    bootstrap text,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.artifacts VALUES ('063fa9628ce1838300f6ec9db33ade7e0c979820beebafb7ebc6bfd012dad817', '\x61207061636b6564206469726563746f72792061207061636b6564206469726563746f72792061207061636b6564206469726563746f72792061207061636b6564206469726563746f727920', '2026-11-27 12:00:00+00');
INSERT INTO public.deployments VALUES ('d1', 'stage', 'checkout', 'run', 'successful', 'ada', '2026-11-27 12:00:00+00', 1, NULL, NULL, false, 0, 11, NULL, NULL, 'all allocations are healthy', 'k1', 'h1', NULL, NULL, NULL);
INSERT INTO public.deployments VALUES ('d2', 'stage', 'checkout', 'run', 'successful', 'ada', '2026-11-27 13:00:00+00', 2, NULL, NULL, false, 0, 1099511627776, NULL, NULL, 'all allocations are healthy', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES ('d1', 1, '2026-11-27 12:00:00+00', 'warning', 'a line', '{}');
INSERT INTO public.events VALUES ('d1', 2, '2026-11-27 12:00:00+00', 'warning', 'a line', '{}');
INSERT INTO public.requests VALUES ('k1', 'h1', 'd1');
INSERT INTO public.services VALUES ('stage', 'checkout', 2);
INSERT INTO public.version_artifacts VALUES ('stage', 'checkout', 2, '063fa9628ce1838300f6ec9db33ade7e0c979820beebafb7ebc6bfd012dad817');
INSERT INTO public.versions VALUES ('stage', 'checkout', 1, 'abc', 'http', 'checkout.yaml', 'service: checkout
', '{"service": "checkout", "run": {"command": ["app"], "directory": "."}, "stop": {"delay": 2000, "timeout": 60000}}', '{"ID": "checkout"}', NULL, 'ada', '2026-11-27 12:00:00+00');
INSERT INTO public.versions VALUES ('stage', 'checkout', 2, 'abc', 'http', 'checkout.yaml', 'service: checkout
', '{"service": "checkout", "run": {"command": ["app"], "directory": "."}, "stop": {"delay": 2000, "timeout": 60000}}', '{"ID": "checkout"}', NULL, 'ada', '2026-11-27 12:00:00+00');
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT artifacts_pkey PRIMARY KEY (sha256);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_idempotency_key_key UNIQUE (idempotency_key);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (deployment, number);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (environment, name);
ALTER TABLE ONLY public.version_artifacts
    ADD CONSTRAINT version_artifacts_pkey PRIMARY KEY (environment, service, number, sha256);
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT versions_pkey PRIMARY KEY (environment, service, number);
CREATE INDEX deployments_by_service ON public.deployments USING btree (environment, service, created_at);
CREATE INDEX deployments_by_state ON public.deployments USING btree (state);
CREATE INDEX version_artifacts_by_sha256 ON public.version_artifacts USING btree (sha256);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_deployment_fkey FOREIGN KEY (deployment) REFERENCES public.deployments(id);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_deployment_fkey FOREIGN KEY (deployment) REFERENCES public.deployments(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.version_artifacts
    ADD CONSTRAINT version_artifacts_environment_service_number_fkey FOREIGN KEY (environment, service, number) REFERENCES public.versions(environment, service, number);
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
