"""Types commands of the stock clients: a list of [account, program, words…] comes in as JSON, and what each said goes
out. A fork for each, of one process that has loaded the clients, saves most of the second that every start takes."""

import json
import os
import pty
import signal
import sys
import tempfile
import traceback

import cliff.formatters.table
import glanceclient.shell
import glanceclient.v2.shell
import keystoneauth1.loading
import openstack.connection
import openstackclient.common.clientmanager
import openstackclient.image.v2.image
import openstackclient.shell
import osc_placement.plugin
import osc_placement.resources.resource_provider
import stevedore


def say(environment, program, words, out, err):
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(environment)
    # Clients take what comes from anything but a terminal for an image's bytes.
    _, terminal = pty.openpty()
    for number, target in ((0, terminal), (1, out.fileno()), (2, err.fileno())):
        os.dup2(target, number)
    sys.stdin = open(0, closefd=False)
    sys.argv = [program, *words]
    signal.alarm(60)
    try:
        if program == "glance":
            code = glanceclient.shell.main()
        else:
            code = openstackclient.shell.main(words)
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def text(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()


given = json.load(sys.stdin)
said = []
for account, program, *words in given["commands"]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            say(given["accounts"][account], program, words, out, err)
        _, status = os.waitpid(child, 0)
        said.append({"code": os.waitstatus_to_exitcode(status), "out": text(out), "err": text(err)})
json.dump(said, sys.stdout)
