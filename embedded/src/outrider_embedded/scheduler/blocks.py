"""What Nomad fills in for the blocks within tasks (services, checks, templates, artifacts), as constants."""

from __future__ import annotations

from typing import Any

from outrider_embedded.scheduler.defaults import SECOND

SERVICE: dict[str, Any] = {
    "Address": "",
    "AddressMode": "auto",
    "CanaryMeta": None,
    "CanaryTags": None,
    "Checks": None,
    "Cluster": "default",
    "Connect": None,
    "EnableTagOverride": False,
    "Identity": None,
    "Kind": "",
    "Meta": None,
    "Name": "",
    "Namespace": "default",
    "OnUpdate": "require_healthy",
    "PortLabel": "",
    "Provider": "consul",
    "TaggedAddresses": None,
    "Tags": None,
    "TaskName": "",
    "Weights": None,
}

CHECK: dict[str, Any] = {
    "AddressMode": "",
    "Args": None,
    "Body": "",
    "CheckRestart": None,
    "Command": "",
    "Expose": False,
    "FailuresBeforeCritical": 0,
    "FailuresBeforeWarning": 0,
    "GRPCService": "",
    "GRPCUseTLS": False,
    "Header": None,
    "InitialStatus": "",
    "Interval": 0,
    "Method": "",
    "Name": "",
    "Notes": "",
    "OnUpdate": "require_healthy",
    "Path": "",
    "PortLabel": "",
    "Protocol": "",
    "SuccessBeforePassing": 0,
    "TLSServerName": "",
    "TLSSkipVerify": False,
    "TaskName": "",
    "Timeout": 0,
    "Type": "",
}

TEMPLATE: dict[str, Any] = {
    "ChangeMode": "restart",
    "ChangeScript": None,
    "ChangeSignal": "",
    "DestPath": "",
    "EmbeddedTmpl": "",
    "Envvars": False,
    "ErrMissingKey": False,
    "Gid": None,
    "LeftDelim": "{{",
    "Once": False,
    "Perms": "0644",
    "RightDelim": "}}",
    "SourcePath": "",
    "Splay": 5 * SECOND,
    "Uid": None,
    "VaultGrace": 0,
    "Wait": None,
}

ARTIFACT: dict[str, Any] = {
    "Chown": False,
    "GetterHeaders": None,
    "GetterInsecure": False,
    "GetterMode": "any",
    "GetterOptions": None,
    "GetterSource": "",
    "RelativeDest": "local/",
}

VOLUME: dict[str, Any] = {
    "AccessMode": "",
    "AttachmentMode": "",
    "MountOptions": None,
    "Name": "",
    "PerAlloc": False,
    "ReadOnly": False,
    "Source": "",
    "Sticky": False,
    "Type": "",
}

VOLUME_MOUNT: dict[str, Any] = {
    "Destination": "",
    "PropagationMode": "private",
    "ReadOnly": False,
    "SELinuxLabel": "",
    "Volume": "",
}

LIFECYCLE: dict[str, Any] = {"Hook": "", "Sidecar": False}

CONSTRAINT: dict[str, Any] = {"LTarget": "", "Operand": "=", "RTarget": ""}

PORT: dict[str, Any] = {"HostNetwork": "default", "Label": ""}
"""``Value`` and ``To`` are written only where they are not 0."""
