"""The peer of JupyterHub: kubespawner starts the server of a user.

`KubeSpawner.start` is called as it is, with its defaults and a claim for each user. Only its two reflectors are
replaced: nothing runs pods here, and it waits until they show a running pod. These show every pod as running at once, so
that `start` returns when the API server has accepted the pod.

The commands are described in src/clients/mod.rs. A bundle is a claim and a pod, whatever the number of ports; with the
word `services` a Service too (`services_enabled`).
"""

import asyncio
import os
import secrets
import sys
import time
from unittest.mock import Mock

from jupyterhub.objects import Hub, Server
from kubespawner import KubeSpawner
from traitlets.config import Config

NAMESPACE, CLASS = sys.argv[1:3]
SERVICES = sys.argv[3:] == ["services"]
RUNNING = {
    "metadata": {"uid": "00000000-0000-0000-0000-000000000000", "annotations": {}},
    "spec": {"containers": [{"name": "notebook", "ports": [{"name": "notebook-port", "containerPort": 8888}]}]},
    "status": {"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": [{"ready": True}]},
}


class EveryPod(dict):
    """Shows every pod as running."""

    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return RUNNING

    def get(self, key, default=None):
        return RUNNING


class User(Mock):
    """A user, with what a spawner reads of it."""

    server = Server()
    url = server.url

    @property
    def escaped_name(self):
        return self.name


def configuration():
    config = Config()
    config.KubeSpawner.namespace = NAMESPACE
    config.KubeSpawner.image = "quay.io/jupyter/base-notebook:latest"
    config.KubeSpawner.cpu_limit = 2
    config.KubeSpawner.mem_limit = "8G"
    config.KubeSpawner.storage_pvc_ensure = True
    config.KubeSpawner.storage_class = CLASS
    config.KubeSpawner.storage_capacity = "20Gi"
    config.KubeSpawner.pvc_name_template = "claim-{user_server}"
    config.KubeSpawner.volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    ]
    config.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
    config.KubeSpawner.services_enabled = SERVICES
    return config


CONFIG = configuration()


def stub_reflectors():
    loaded = asyncio.get_running_loop().create_future()
    loaded.set_result(None)
    for kind in ("pods", "events"):
        reflector = Mock(first_load_future=loaded, pods=EveryPod(), events=[])
        KubeSpawner.reflectors[(kind, NAMESPACE)] = reflector


def spawner():
    name = "u" + secrets.token_hex(8)
    user = User()
    user.name = name
    user.id = name
    return KubeSpawner(
        hub=Hub(),
        user=user,
        config=CONFIG,
        api_token=secrets.token_hex(16),
        oauth_client_id="unused",
    )


async def flood(seconds, width):
    """The servers started in this time by so many at once."""
    end = time.monotonic() + seconds

    async def worker():
        count = 0
        while True:
            await spawner().start()
            if time.monotonic() > end:
                return count
            count += 1

    return sum(await asyncio.gather(*(worker() for _ in range(width))))


async def serve():
    stub_reflectors()
    loop = asyncio.get_running_loop()
    planned = None
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, *words = line.split()
        try:
            if command == "prepare":
                planned = spawner()
                answer = "ok"
            elif command == "create":
                started = time.perf_counter()
                await planned.start()
                answer = f"ok {round((time.perf_counter() - started) * 1e6)}"
            elif command == "flood":
                seconds, _ports, width = map(int, words)
                answer = f"ok {await flood(seconds, width)}"
            else:
                answer = f"error no such command: {command}"
        except Exception as error:
            answer = f"error {error!r}".replace("\n", " ")
        print(answer, flush=True)
    # The clients that it shares are closed by the hub, which does not run here.
    os._exit(0)


asyncio.run(serve())
