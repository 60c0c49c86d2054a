"""References of images, and pinning them in a spec's text."""

from __future__ import annotations

import pytest
from outrider_ground.errors import UsageError

from outrider.spec.image import image_reference, with_image
from outrider.spec.reading.files import read_service
from outrider.spec.run import ImageRun

DIGEST = "sha256:" + "ab" * 32
PINNED = f"registry.example/checkout@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "version"),
    [
        ("nginx", "docker.io", "library/nginx", "latest"),
        ("nginx:1.27", "docker.io", "library/nginx", "1.27"),
        ("shop/checkout:1", "docker.io", "shop/checkout", "1"),
        ("docker.io/nginx", "docker.io", "library/nginx", "latest"),
        ("index.docker.io/shop/app:2", "docker.io", "shop/app", "2"),
        ("registry.example/checkout:1.4.2", "registry.example", "checkout", "1.4.2"),
        ("localhost/app", "localhost", "app", "latest"),
        ("localhost:5000/a/b/c:T_1", "localhost:5000", "a/b/c", "T_1"),
        (f"ghcr.io/shop/app@{DIGEST}", "ghcr.io", "shop/app", DIGEST),
        (f"ghcr.io/shop/app:1@{DIGEST}", "ghcr.io", "shop/app", DIGEST),
    ],
)
def test_a_reference_says_which_registry_is_asked_for_what(
    text: str, registry: str, repository: str, version: str
) -> None:
    found = image_reference(text)
    assert (found.registry, found.repository, found.version) == (registry, repository, version)


@pytest.mark.parametrize("text", ["", "UPPER/case", "a//b", "a:b:c", "app@sha256:abc", "app@", "app:", "../up", "a b"])
def test_what_no_registry_could_have_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError):
        image_reference(text)


def test_a_pinned_reference_has_the_name_as_it_was_written_and_no_tag() -> None:
    assert image_reference("nginx:1.27").pinned(DIGEST) == f"nginx@{DIGEST}"
    assert image_reference("localhost:5000/a:1").pinned(DIGEST) == f"localhost:5000/a@{DIGEST}"


SPECS = [
    'service: a\nrun: {image: "registry.example/checkout:1"}  # as built\ncount: 2\n',
    "service: a\nrun:\n  # what the pipeline made\n  image: registry.example/checkout:1\n  command: [serve]\n",
    "service: a\nrun: {image: 'registry.example/checkout:1'}\nenv: {IMAGE: 'registry.example/checkout:1'}\n",
    "service: a\nrun: {image: r/x:0}\nenvironments: {production: {run: {image: registry.example/checkout:1}}}\n",
    "service: a\ndescription: größer ☃\nrun: {image: registry.example/checkout:1}\n",
    "service: a\nrun:\n  image: >-\n    registry.example/checkout:1\n  command: [x]\n",
]


@pytest.mark.parametrize("text", SPECS)
def test_only_the_image_is_another_one_and_comments_stay(text: str) -> None:
    made = with_image(text, "production", "registry.example/checkout:1", PINNED)
    before, after = (read_service(one, "a.yaml", "production").service for one in (text, made))
    assert isinstance(before.run, ImageRun)
    assert after == before.model_copy(update={"run": before.run.model_copy(update={"image": PINNED})})
    assert [line for line in text.splitlines() if "#" in line and "image" not in line] == [
        line for line in made.splitlines() if "#" in line and "image" not in line
    ]


def test_the_part_of_another_environment_stays() -> None:
    text = "service: a\nrun: {image: x:1}\nenvironments: {stage: {run: {image: x:2}}}\n"
    assert with_image(text, "production", "x:1", "x@y").endswith("{stage: {run: {image: x:2}}}\n")
