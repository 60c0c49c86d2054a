"""The reference page of the command line, made of the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import cast

import click

from outrider.cli.main import outrider
from outrider.cli.verbs import SECTIONS

EXIT_CODES = {
    "0": "It worked; `plan`: nothing would change; `diff`: both sides are the same; `run`: every allocation is healthy, or a canary waits for a person; "
    "`dev` and `portal`: ended by Ctrl-C or SIGTERM, as asked.",
    "1": "It did not work, with the reason on stderr; `plan`: something would change; `diff`: the sides differ; "
    "`doctor`: something lacks.",
    "2": "`run`, `rollback`, `scale`: Nomad found no room; `doctor --strict`: there are warnings.",
    "64": "The command line itself is wrong.",
    "124": "`--wait-timeout` ran out; the deployment goes on.",
    "130": "Ctrl-C; a deployment that was being watched goes on.",
    "255": "`plan`, `diff`: an error; `exec`: the command could not run, or has told no code. All other codes of `exec` are the command's own.",
}
VARIABLES = {
    "OUTRIDER_ADDR": "Address of the portal (`--addr`). Default: `http://127.0.0.1:7070`.",
    "OUTRIDER_TOKEN": "Token for the portal (`--token`); on the portal's side the token that it asks for. Set but blank it "
    "is an error.",
    "OUTRIDER_HOSTS": "Further names under which the portal and the servers of `dev` may be asked, with commas between. "
    "Without: loopback, the address they listen on, and the host of `portal.url`.",
    "OUTRIDER_ENVIRONMENT": "The environment (`--environment`).",
    "OUTRIDER_PLATFORM": "The platform file (`--platform`).",
    "OUTRIDER_DATABASE": "The portal's database: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.",
    "OUTRIDER_ARTIFACTS": "Where the portal keeps uploads: a folder or `s3://BUCKET/PREFIX` (`--artifacts`).",
    "OUTRIDER_REPOSITORY": "Address of the repository that specs come from. Default: what GitHub (`GITHUB_SERVER_URL`, "
    "`GITHUB_REPOSITORY`), GitLab (`CI_PROJECT_URL`) or Jenkins (`GIT_URL`) says, else what git does.",
    "OUTRIDER_COMMIT": "The commit, where git has no answer. Default: `GITHUB_SHA`, `CI_COMMIT_SHA` or `GIT_COMMIT`.",
    "OUTRIDER_RUN": "The page of the CI run. Default: that of `GITHUB_RUN_ID`, else `CI_JOB_URL`, `CI_PIPELINE_URL` or "
    "`BUILD_URL`.",
    "OUTRIDER_USER": "Who you are in a service's history. Default: `LOGNAME` or `USER`.",
    "DOCKER_CONFIG": "The folder of the `config.json` with credentials for registries of images, as `docker login` writes it; without "
    "it `.docker` below `HOME`.",
    "ENVOY_BIN": "The Envoy that validates bootstraps, and that `dev` runs.",
    "NO_COLOR": "No colours; `NOMAD_CLI_NO_COLOR` and `TERM=dumb` mean the same.",
    "CLICOLOR_FORCE": "Colours also into a pipe.",
    "NOMAD_*": "Credentials of the portal and of `doctor` for every Nomad of the platform, as Nomad defines them: "
    "`NOMAD_TOKEN`, `NOMAD_CACERT`, `NOMAD_CAPATH`, `NOMAD_CLIENT_CERT`, `NOMAD_CLIENT_KEY`, `NOMAD_TLS_SERVER_NAME`, "
    "`NOMAD_SKIP_VERIFY`, `NOMAD_HTTP_AUTH`. Addresses, regions and namespaces stand in the platform file.",
    "CONSUL_*": "The same for every Consul: `CONSUL_HTTP_TOKEN`, `CONSUL_HTTP_TOKEN_FILE`, `CONSUL_HTTP_AUTH`, "
    "`CONSUL_HTTP_SSL`, `CONSUL_HTTP_SSL_VERIFY`, `CONSUL_CACERT`, `CONSUL_CAPATH`, `CONSUL_CLIENT_CERT`, "
    "`CONSUL_CLIENT_KEY`, `CONSUL_TLS_SERVER_NAME`, `CONSUL_NAMESPACE`.",
    "AWS_*": "For uploads in a bucket: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or "
    "`AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`. Without keys the machine is asked for them.",
    "VAULT_*": "The Vault of all environments, which the portal watches for changed secrets, and from which the cluster of "
    "`outrider dev` reads them: `VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_NAMESPACE`; for the portal also `VAULT_CACERT`, "
    "`VAULT_CAPATH`, `VAULT_CLIENT_CERT`, `VAULT_CLIENT_KEY`, `VAULT_TLS_SERVER_NAME`, `VAULT_SKIP_VERIFY`.",
}
HEAD = """<!-- Written by `make docs` from src/outrider/cli. Change the commands there. -->

# Command line

`outrider VERB --help` (`-h`) says the same in a terminal. Results go to stdout, progress and errors to stderr; `-o json` and
`-o yaml` print the documents of the portal's API instead of tables. Ids may be shortened to a unique prefix.

A value is taken from the flag, else from the environment, else from the context file, else it is the default. The
context file is `context.toml` in the person's configuration directory for `outrider` (`~/.config/outrider` on Linux),
with the keys `address`, `token`, `environment`, `platform` and `envoy`, all of them optional.
"""


def cli_reference() -> str:
    """The whole page."""
    parts = [
        HEAD,
        *_sections(),
        _table("Exit codes", "code", EXIT_CODES),
        _table("Environment variables", "name", VARIABLES),
    ]
    return "\n".join(parts)


def _sections() -> Iterator[str]:
    context = outrider.make_context("outrider", [], resilient_parsing=True)
    for section, verbs in SECTIONS.items():
        yield f"## {section}\n"
        for verb in verbs:
            command = outrider.get_command(context, verb.name)
            if command:
                yield _verb(command, click.Context(command, context, verb.name))


def _verb(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    rows = "\n".join(_option(one, context) for one in options)
    table = f"\n| option | meaning |\n|---|---|\n{rows}\n" if rows else ""
    return f"### `{usage}`\n\n{text}\n{table}"


def _option(option: click.Option, context: click.Context) -> str:
    names, text = cast("tuple[str, str]", option.get_help_record(context) or ("", ""))
    return f"| `{_cell(names)}` | {_cell(text)} |"


def _table(title: str, head: str, rows: dict[str, str]) -> str:
    lines = "\n".join(f"| `{name}` | {_cell(text)} |" for name, text in rows.items())
    return f"## {title}\n\n| {head} | meaning |\n|---|---|\n{lines}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
