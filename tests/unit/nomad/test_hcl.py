"""A job as HCL text."""

from __future__ import annotations

from outrider.nomad.write.hcl import hcl


def test_blocks_bear_their_labels_and_durations_their_units() -> None:
    job = {
        "ID": "checkout",
        "Type": "service",
        "TaskGroups": [
            {
                "Name": "checkout",
                "Count": 2,
                "ShutdownDelay": 5_000_000_000,
                "Networks": [{"Mode": "host", "ReservedPorts": [{"Label": "app", "Value": 80}]}],
                "Tasks": [
                    {"Name": "app", "Consul": {}, "Config": {"args": ["a", "b"]}, "Templates": [{"Envvars": True}]}
                ],
            }
        ],
    }
    assert hcl(job) == (
        """job "checkout" {
  type = "service"
  group "checkout" {
    count = 2
    shutdown_delay = "5000ms"
    network {
      mode = "host"
      port "app" {
        static = 80
      }
    }
    task "app" {
      consul {}
      config {
        args = ["a", "b"]
      }
      template {
        env = true
      }
    }
  }
}
"""
    )


def test_text_comes_out_as_it_was_whatever_hcl_would_make_of_it() -> None:
    text = hcl({"ID": "x", "Meta": {"a": 'q" \\ \n ${b} %{c} \x00 é'}})
    assert r"""a = "q\" \\ \n $${b} %%{c} \u0000 é" """.rstrip() in text
