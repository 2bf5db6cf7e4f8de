"""Makes one file of placement's functional suite ready to be run from outside.

usage: gabbi-fixture.py SUITE FILE URL OUT

SUITE is upstream's folder placement/tests/functional. The fixture that FILE names is upstream's own, from
SUITE/fixtures/gabbits.py: what it does to its database with the functions of `test_base`, it does here to the API at
URL. FILE is written to OUT with the fake tokens of upstream's noauth2 spelled out, because there a token's meaning
stands in headers beside it. Prints the environment that the tests refer to, as JSON.
"""

import importlib.util
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from unittest import mock

import yaml

suite, path, url, out = sys.argv[1:5]
admin = "noauth2;admin;admin,service;;"


def ask(method, where, body=None, version="1.39"):
    request = urllib.request.Request(
        url + where,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "x-auth-token": admin,
            "content-type": "application/json",
            "openstack-api-version": f"placement {version}",
        },
    )
    try:
        with urllib.request.urlopen(request) as response:
            text = response.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {where}: {error.code} {error.read().decode()}") from error


class Provider:
    def __init__(self, name, uuid):
        self.name, self.uuid = name, uuid
        self.path = f"/resource_providers/{uuid}"

    @property
    def generation(self):
        return ask("GET", self.path)["generation"]

    def set_aggregates(self, aggregates):
        body = {"resource_provider_generation": self.generation, "aggregates": list(aggregates)}
        ask("PUT", f"{self.path}/aggregates", body)


class Named:
    """A user, project or consumer: in the API they are there as soon as they are named."""

    def __init__(self, context=None, external_id=None, uuid=None, user=None, project=None):
        self.external_id, self.uuid, self.user, self.project = external_id, uuid, user, project

    def create(self):
        pass


class ResourceClass:
    def __init__(self, context, name):
        self.name = name

    def create(self):
        ask("PUT", f"/resource_classes/{self.name}")


class TestBase:
    def create_provider(self, context, name, *aggregates, parent=None, uuid=None):
        provider = Provider(name, str(uuid or getattr(uuids, name)))
        body = {"name": name, "uuid": provider.uuid}
        if parent:
            body["parent_provider_uuid"] = parent
        ask("POST", "/resource_providers", body)
        if aggregates:
            provider.set_aggregates(aggregates)
        return provider

    def add_inventory(self, provider, resource_class, total, **more):
        if resource_class.startswith("CUSTOM_"):
            ask("PUT", f"/resource_classes/{resource_class}")
        body = {
            "resource_provider_generation": provider.generation,
            "resource_class": resource_class,
            "total": total,
            "max_unit": total,
            **more,
        }
        ask("POST", f"{provider.path}/inventories", body)

    def set_traits(self, provider, *traits):
        for trait in traits:
            if trait.startswith("CUSTOM_"):
                ask("PUT", f"/traits/{trait}")
        body = {"resource_provider_generation": provider.generation, "traits": list(traits)}
        ask("PUT", f"{provider.path}/traits", body)

    def ensure_consumer(self, context, user, project, consumer_id=None):
        return Named(uuid=consumer_id or str(uuid.uuid4()), user=user, project=project)

    def create_user_and_project(self, context, prefix="fake"):
        return Named(external_id=f"{prefix}-user"), Named(external_id=f"{prefix}-project")

    def set_allocation(self, context, provider, consumer, resources):
        # In 1.28 consumers have generations, and no types yet.
        held = ask("GET", f"/allocations/{consumer.uuid}", version="1.28")
        allocations = {
            one: {"resources": each["resources"]} for one, each in held.get("allocations", {}).items()
        }
        allocations.setdefault(provider.uuid, {"resources": {}})["resources"].update(resources)
        body = {
            "allocations": allocations,
            "project_id": consumer.project.external_id,
            "user_id": consumer.user.external_id,
            "consumer_generation": held.get("consumer_generation"),
        }
        ask("PUT", f"/allocations/{consumer.uuid}", body, version="1.28")


class Sentinels:
    def __getattr__(self, name):
        value = str(uuid.uuid4())
        setattr(self, name, value)
        return value


uuids = Sentinels()


def load_fixtures():
    """Upstream's module of fixtures, with everything of upstream's server under it taken away."""
    absent = [
        "oslo_config", "oslo_config.cfg", "oslo_log", "oslo_log.fixture", "oslo_policy", "oslo_utils",
        "oslo_utils.fixture", "oslotest", "placement", "placement.conf", "placement.context", "placement.deploy",
        "placement.objects", "placement.policies", "placement.tests", "placement.tests.functional",
        "placement.tests.functional.db", "placement.tests.functional.fixtures", "placement.tests.unit",
    ]  # fmt: skip
    for name in absent:
        sys.modules[name] = mock.MagicMock()
    sys.modules["oslo_utils"].uuidutils.generate_uuid = lambda: str(uuid.uuid4())
    sys.modules["oslo_utils.fixture"].uuidsentinel = uuids
    sys.modules["placement.tests.functional.db"].test_base = TestBase()
    objects = sys.modules["placement.objects"]
    objects.user.User = objects.project.Project = Named
    objects.resource_class.ResourceClass = ResourceClass
    sys.modules["placement.policies"].list_rules.return_value = []
    spec = importlib.util.spec_from_file_location("gabbits", os.path.join(suite, "fixtures", "gabbits.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spelled_out(defaults, test):
    """The test, with the fake token saying all that upstream's noauth2 takes from the headers beside it."""
    headers = {}
    for each in (defaults.get("request_headers") or {}, test.get("request_headers") or {}):
        headers.update({name.lower(): value for name, value in each.items()})
    token = headers.get("x-auth-token")
    if token is None:
        return test
    user = str(token).partition(":")[0]
    roles = headers.get("x-roles", "admin" if user == "admin" else "")
    scope = [str(headers.get(name, "")) for name in ("openstack-system-scope", "x-project-id")]
    said = ";".join(["noauth2", str(token), str(roles), *scope])
    own = {name: value for name, value in (test.get("request_headers") or {}).items() if name.lower() != "x-auth-token"}
    return {**test, "request_headers": {**own, "x-auth-token": said}}


def with_patterns(test):
    """The test, with what its strings say between slashes asked of the error's detail.

    That means a pattern to newer gabbis only; the one of Debian 12 knows patterns in paths into JSON alone.
    """
    strings = test.get("response_strings") or []
    patterns = [each for each in strings if len(each) > 1 and each.startswith("/") and each.endswith("/")]
    if not patterns:
        return test
    (pattern,) = patterns
    paths = {**(test.get("response_json_paths") or {}), "$.errors[0].detail": pattern}
    return {**test, "response_strings": [each for each in strings if each != pattern], "response_json_paths": paths}


with open(path, encoding="utf-8") as file:
    content = yaml.safe_load(file)
before = dict(os.environ)
fixtures = load_fixtures()
for name in content.get("fixtures") or []:
    getattr(fixtures, name)().start_fixture()
defaults = content.get("defaults") or {}
content["tests"] = [with_patterns(spelled_out(defaults, test)) for test in content["tests"]]
with open(out, "w", encoding="utf-8") as file:
    yaml.safe_dump(content, file, allow_unicode=True, sort_keys=False)
json.dump({name: value for name, value in os.environ.items() if before.get(name) != value}, sys.stdout)
