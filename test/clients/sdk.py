"""Openstacksdk, as programs use it. Prints a line for each thing that is asked of the cloud: ok or not ok, and what."""

import hashlib
import os
import uuid

import openstack
from openstack import exceptions, resource

admin = openstack.connect(cloud="cumulet-admin")
demo = openstack.connect(cloud="cumulet-demo")
data = open(os.environ["DISK"], "rb").read()
raw = {"disk_format": "raw", "container_format": "bare"}


def check(sentence, ask):
    try:
        answer = ask()
        print(("ok " if answer else "not ok ") + sentence + ("" if answer else f": {answer!r}"))
        return answer
    except Exception as error:
        print(f"not ok {sentence}: {type(error).__name__}: {error}".replace("\n", " "))


def refused(sentence, kind, ask):
    try:
        print(f"not ok {sentence}: {ask()!r}")
    except kind:
        print(f"ok {sentence}")
    except Exception as error:
        print(f"not ok {sentence}: {type(error).__name__}: {error}".replace("\n", " "))


def active(image):
    return resource.wait_for_status(demo.image, image, "active", ["error"], 0.1, 30).status == "active"


def streamed(image):
    response = demo.image.download_image(image, stream=True)
    digest = hashlib.md5()
    for piece in response.iter_content(chunk_size=4096):
        digest.update(piece)
    return response.headers["Content-MD5"] == digest.hexdigest()


def bare(name):
    return demo.image._create(openstack.image.v2.image.Image, name=name, **raw)


image = check("create_image uploads", lambda: demo.image.create_image("one", data=data, wait=True, tags=["x"], **raw))
check("create_image imports", lambda: demo.image.create_image("two", data=data, use_import=True, wait=True, **raw))
check(
    "create_image imports to all stores",
    lambda: demo.image.create_image("three", data=data, use_import=True, all_stores=True, wait=True, **raw),
)
staged = bare("four")
demo.image.stage_image(staged, data=data)
demo.image.import_image(staged, method="glance-direct")
check("import_image takes what was staged", lambda: active(staged))
check("download_image gives the bytes", lambda: demo.image.download_image(image).content == data)
check("download_image streams what its MD5 is of", lambda: streamed(image))
check("images filters", lambda: [i.name for i in demo.image.images(name="one", tag="x")] == ["one"])
check("images pages", lambda: len(list(demo.image.images(limit=1))) == 4)
check("find_image finds", lambda: demo.image.find_image("two").status == "active")
check("update_image changes", lambda: demo.image.update_image(image, name="uno", min_ram=5).name == "uno")
check("add_tag", lambda: demo.image.add_tag(image, "y") is None and "y" in demo.image.find_image("uno").tags)
project = admin.current_project_id
check("add_member", lambda: demo.image.add_member(image, member_id=project).status == "pending")
check("update_member", lambda: admin.image.update_member(project, image, status="accepted").status == "accepted")
check("members", lambda: [m.status for m in demo.image.members(image)] == ["accepted"])
check("remove_member", lambda: demo.image.remove_member(project, image) is None)
check("deactivate_image", lambda: demo.image.deactivate_image(image) is None)
check("is deactivated", lambda: demo.image.find_image("uno").status == "deactivated")
check("reactivate_image", lambda: demo.image.reactivate_image(image) is None)
check("tasks", lambda: {t.status for t in admin.image.tasks(status="success")} == {"success"})
check("stores", lambda: {s.id for s in demo.image.stores()} == {"fast", "archive"})
check("get_image_schema", lambda: "os_hash_algo" in demo.image.get_image_schema().properties)
check("get_tasks_schema", lambda: demo.image.get_tasks_schema().properties)
refused("get_image of nothing", exceptions.ResourceNotFound, lambda: demo.image.get_image(str(uuid.uuid4())))

placement = admin.placement
check("create_resource_class", lambda: placement.create_resource_class(name="CUSTOM_SDK").name == "CUSTOM_SDK")
check("resource_classes", lambda: "CUSTOM_SDK" in [c.name for c in placement.resource_classes()])
check("delete_resource_class", lambda: placement.delete_resource_class("CUSTOM_SDK", ignore_missing=False) is None)
provider = check("create_resource_provider", lambda: placement.create_resource_provider(name="sdk"))
check("find_resource_provider", lambda: placement.find_resource_provider("sdk").id == provider.id)
check("update_resource_provider", lambda: placement.update_resource_provider(provider, name="sdk2").name == "sdk2")
check("delete_resource_provider", lambda: placement.delete_resource_provider(provider, ignore_missing=False) is None)
refused("members see no providers", exceptions.HttpException, lambda: list(demo.placement.resource_providers()))

flavor = admin.compute.create_flavor(name="sdk", ram=64, vcpus=1, disk=1)
server = check(
    "a server starts from the image",
    lambda: demo.compute.wait_for_server(
        demo.compute.create_server(name="sdk", image_id=image.id, flavor_id=flavor.id, networks="none"), wait=60
    ),
)
check("its image is known", lambda: demo.compute.get_server(server.id).image.id == image.id)
check("it gives an image", lambda: demo.compute.create_server_image(server.id, "snapshot", wait=True).status == "active")
check("the image knows its server", lambda: demo.image.find_image("snapshot").instance_uuid == server.id)
check("delete_server", lambda: demo.delete_server(server.id, wait=True))
check("delete_image", lambda: [demo.image.delete_image(i) for i in demo.image.images()])
check("nothing is left", lambda: list(demo.image.images()) == [])
