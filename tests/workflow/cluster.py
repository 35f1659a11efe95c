"""A real SLURM on this machine: munged, slurmctld and one slurmd per node, all on loopback, all in one folder."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo", "scancel")
NODES = ("n1", "n2")
# More than there is: a job waits for nothing but its turn. Memory limits hold for each job all the same.
CPUS, MEMORY_MB = 16, 64_000
START, STOP = 120, 30  # seconds at most
MARK = "LOOPBACK_CLUSTER"  # variable by which processes of this cluster's jobs are known

# %n is SLURM's own name for a node, {...} are filled in here.
CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
KillWait=2
MinJobAge=3600
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
GresTypes=gpu
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=cpu Nodes={names} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={first} MaxTime=INFINITE State=UP
PartitionName=urgent Nodes={names} PriorityTier=10 MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no cluster can be started here; nothing where one can."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
    if missing:
        packages = "slurmctld slurmd slurm-client munge"
        return f"no {', '.join(missing)}: apt-get install --no-install-recommends {packages}"
    try:
        socket.gethostbyname(_host())
    except OSError:
        return f"this machine's name {_host()} has no address: add it to /etc/hosts"
    return ""


class Cluster:
    """Two nodes of one machine; the first has two generic GPUs, which are no more than names.

    Everything that it starts, it ends, by process id: itself, and whatever a job has left.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.controller: dict[str, subprocess.Popen] = {}
        self.nodes: dict[str, subprocess.Popen] = {}
        self._write_configuration()

    def __enter__(self) -> "Cluster":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """Variables with which SLURM's commands find this cluster, and so do those that jobs call."""
        return os.environ | {
            "SLURM_CONF": str(self.folder / "etc" / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{_path()}",
            MARK: str(self.folder),
        }

    def start(self) -> None:
        run, log = self.folder / "run", self.folder / "log"
        munge = {"key-file": self.folder / "key" / "munge.key", "socket": run / "munge.socket"}
        munge |= {"pid-file": run / "munged.pid", "log-file": log / "munged.log", "seed-file": run / "munge.seed"}
        options = [f"--{name}={value}" for name, value in munge.items()]
        self.controller["munged"] = self._launch("munged", "--foreground", "--force", *options)
        self._wait(munge["socket"].exists, "munged")
        self.controller["slurmctld"] = self._launch("slurmctld", "-D", "-c", "-i")
        for node in NODES:
            self.start_node(node)

    def start_node(self, node: str) -> None:
        """Start a node's daemon, and wait until work may go there."""
        self.nodes[node] = self._launch("slurmd", "-D", "-N", node)
        self._wait(lambda: self.call("sinfo", "-h", "-N", "-n", node, "-o", "%T").split()[:1] == ["idle"], node)

    def kill_node(self, node: str) -> None:
        """A power failure: the node's daemon and all that runs there are gone at once, and the controller is told."""
        doomed = self.nodes.pop(node)
        doomed.kill()
        doomed.wait()
        _kill(self._processes_of_jobs(node))
        self.call("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")

    def preempt(self, node: str) -> None:
        """A whole node for a moment for work that goes before all other."""
        where = ("--partition=urgent", "--exclusive", f"--nodelist={node}")
        self.call("sbatch", *where, "--comment=urgent", "--output=/dev/null", "--wrap=true")

    def start_at_once(self, job: str) -> None:
        """A job that SLURM has put into the queue again waits there for two minutes; not this one."""
        self.call("scontrol", "update", f"jobid={job}", "starttime=now")

    def stop(self) -> None:
        """End all daemons and what jobs have left running; after failures, too."""
        for process in [*self.nodes.values(), *reversed(self.controller.values())]:
            process.terminate()
        for process in [*self.nodes.values(), *self.controller.values()]:
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.nodes.clear()
        self.controller.clear()
        _kill(self._processes_of_jobs())

    def call(self, *command: object) -> str:
        """What one of SLURM's commands prints; nothing where it fails, as it does before the controller is up."""
        done = subprocess.run(list(map(str, command)), env=self.environment(), capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start in its order, ended ones too: the fields of ``scontrol show job``."""
        lines = self.call("scontrol", "show", "jobs", "-o").splitlines()
        return sorted((_fields(line) for line in lines if line.startswith("JobId=")), key=lambda job: int(job["JobId"]))

    def processes_of(self, job: str) -> list[int]:
        """Ids of the processes of one job."""
        return [process for process in self._processes_of_jobs() if _variables(process).get("SLURM_JOB_ID") == job]

    def _processes_of_jobs(self, node: str | None = None) -> list[int]:
        """Ids of processes that this cluster's jobs have started, told by the environment that they got from it."""
        found = []
        for entry in Path("/proc").iterdir():
            variables = _variables(int(entry.name)) if entry.name.isdigit() else {}
            ours = "SLURM_JOB_ID" in variables and variables.get(MARK) == str(self.folder)
            if ours and node in (None, variables.get("SLURMD_NODENAME")):
                found.append(int(entry.name))
        return found

    def _launch(self, program: str, *arguments: str) -> subprocess.Popen:
        output = (self.folder / "log" / f"{program}.out").open("a")
        command = [shutil.which(program, path=_path()), *arguments]
        environment = os.environ | {"SLURM_CONF": str(self.folder / "etc" / "slurm.conf")}
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)

    def _wait(self, ready, what: str) -> None:
        deadline = time.monotonic() + START
        while not ready():
            if time.monotonic() > deadline:
                logs = "".join(path.read_text()[-2000:] for path in sorted((self.folder / "log").iterdir()))
                raise RuntimeError(f"{what} has not come up in {START} s:\n{logs}")
            time.sleep(0.1)

    def _write_configuration(self) -> None:
        for name in ("key", "etc", "run", "log", "state", "bin", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "key").chmod(0o700)
        key = self.folder / "key" / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        ports = _free_ports(1 + len(NODES))
        common = f"NodeHostname={_host()} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory={MEMORY_MB}"
        nodes = [f"NodeName={node} Port={port} {common}" for node, port in zip(NODES, ports[1:], strict=True)]
        nodes[0] += " Gres=gpu:2 Weight=10"  # what needs no GPU goes to the others first
        filled = {
            "host": _host(),
            "controller_port": ports[0],
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "folder": self.folder,
            "nodes": "\n".join(nodes),
            "names": ",".join(NODES),
            "first": NODES[0],
        }
        (self.folder / "etc" / "slurm.conf").write_text(CONFIGURATION.format(**filled))
        # A count without files makes the node invalid.
        (self.folder / "etc" / "gres.conf").write_text(f"NodeName={NODES[0]} Name=gpu File=/dev/null,/dev/zero\n")
        # Within a job, the executor plugin calls srun with SLURM_CONF removed.
        srun = self.folder / "bin" / "srun"
        real = shutil.which("srun", path=_path())
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/etc/slurm.conf exec {real} "$@"\n')
        srun.chmod(0o755)


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _path() -> str:
    """Debian puts daemons where an ordinary user does not look."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _fields(line: str) -> dict[str, str]:
    """Of one line of ``scontrol -o``; a comment may hold blanks, which end its value here."""
    return dict(part.split("=", 1) for part in line.split() if "=" in part)


def _variables(process: int) -> dict[str, str]:
    return dict(part.split("=", 1) for part in _read(f"/proc/{process}/environ").split("\0") if "=" in part)


def _kill(processes: list[int]) -> None:
    """Kill processes of jobs; the daemons that watch over them first, or they would tell the controller."""
    parents = {parent for process in processes if (parent := _parent(process)) not in processes}
    watching = [parent for parent in parents if _read(f"/proc/{parent}/comm").strip() == "slurmstepd"]
    for process in [*watching, *processes]:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _parent(process: int) -> int:
    lines = _read(f"/proc/{process}/status").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("PPid:")), 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:  # ended meanwhile, or not ours to read
        return ""
