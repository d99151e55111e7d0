"""A real Asterisk with a fake carrier in its dialplan, from the chroot that `.ci/asterisk` makes.

The dialler's side is the shipped files of `config/asterisk/`. A number's last digit is its fate (`fate_of`), and each
call that reaches the carrier is one line of a file inside Asterisk's own reach (`rung`): nothing that the dialler does,
its death included, can lose one.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import wave
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from string import Template
from typing import Final, Self

import anyio
import anyio.to_thread

from telephony.ami import AsteriskNetwork, AsteriskServer, AsteriskTrunk, Snippet, Timing
from telephony.presentation import NumberForm
from telephony.simulated import Fate
from tests.support.ami_peer import CuttableProxy
from tests.support.at_end import at_end
from tests.support.exchanges import PRESENTATIONS, ExchangeUnavailable

DEFAULT_ROOT: Final = "/var/cache/dialler-asterisk"
CONFIG: Final = Path(__file__).parents[2] / "config" / "asterisk"
USERNAME: Final = "dialler"
SECRET: Final = "test-secret"
QUEUE: Final = "sales"
"""A queue with two agents who answer at once and talk until the customer leaves."""
BRIEF_QUEUE: Final = "brief"
"""A queue with one agent who hangs up after half a second."""
EMPTY_QUEUE: Final = "empty"
"""A queue without agents: its calls go to the information message at once."""
RINGING_QUEUE: Final = "ringing"
"""A queue with agents whose telephones ring and who never answer: its calls wait."""
RINGING_AGENTS: Final = 40
LOGIN_QUEUES: Final = ("log-in", "log-in-too")
"""Queues without agents, where those of a test log in."""
SHORT_SOUND: Final = "test/short"
HOUR_SOUND: Final = "test/hour"
SOUNDS: Final = {SHORT_SOUND: 0.5, HOUR_SOUND: 3600.0, "dlr/harbour": 1.0}
"""Seconds of silence by name."""

START_S: Final = 30.0
_PORTS: Final = SystemRandom()

FAST: Final = Timing(back_off_first_s=0.05, back_off_max_s=0.2)

FATES: Final = (
    Fate.BUSY,
    Fate.INVALID,
    Fate.CONGESTION,
    Fate.REJECTED,
    Fate.UNREACHABLE,
    Fate.NO_ANSWER,
    Fate.NO_ANSWER,
    Fate.ANSWERED,
    Fate.ANSWERED,
    Fate.ANSWERED,
)
"""By the number's last digit: half of them fail at once, a fifth rings on, the rest is answered."""

CAUSES: Final = {Fate.BUSY: 17, Fate.INVALID: 1, Fate.CONGESTION: 34, Fate.REJECTED: 21, Fate.UNREACHABLE: 20}

MODULES: Final = """\
pbx_config app_userevent app_playback app_queue app_dial app_stack app_amd app_waitforsilence app_senddtmf app_playtones
func_logic func_db func_env func_channel func_cut func_callerid func_strings res_timing_timerfd bridge_simple
bridge_builtin_features format_gsm format_wav codec_gsm codec_ulaw codec_alaw"""

ASTERISK_CONF: Final = Template("""\
[directories]
astetcdir => $home/etc
astvarlibdir => $home/lib
astdbdir => $home/lib
astdatadir => $home/data
astkeydir => $home/lib
astspooldir => $home/spool
astrundir => $home/run
astlogdir => $home/log
astcachedir => $home/lib
[options]
maxfiles = 65536
dumpcore = no
""")

MANAGER_CONF: Final = Template("""\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = $port
displayconnects = no
allowmultiplelogin = yes
timestampevents = yes
webenabled = no
#include manager_dialler.conf
[observer]
secret = $secret
read = system
write = system,reporting
[unfiltered]
secret = $secret
writetimeout = 5000
read = system,call,agent,user
write = system,originate,call,reporting
""")

EXTENSIONS_CONF: Final = Template("""\
[general]
static = yes
writeprotect = yes
#include extensions_dialler.conf

[carrier]
exten => _+X.,1,Goto(shown,$${EXTEN},1)
exten => _X.,1,Goto(shown,$${EXTEN},1)
$fates
; Persons who press a key, the last digit of their number, twice a second.
exten => _+1202556XXXX,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n(press),Wait(0.5)
 same => n,SendDTMF($${EXTEN:-1})
 same => n,Goto(press)
; Persons who press a key once, the last digit of their number, so many seconds and a half after they answered as the
; fourth last says.
exten => _+1202559XXXX,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,Wait($${EXTEN:-4:1}.5)
 same => n,SendDTMF($${EXTEN:-1})
 same => n,Wait(3600)
; Machines: two seconds of a tone, and then they record.
exten => _+1202557XXXX,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,PlayTones(440)
 same => n,Wait(2.5)
 same => n,StopPlayTones()
 same => n,Wait(3600)
; Persons who say nothing: silence that can be heard, as from a telephone.
exten => _+1202558XXXX,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n(on),Playback(test/short)
 same => n,Goto(on)
; Persons who leave after a second.
exten => _+1202554XXXX,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,Wait(1)
 same => n,Hangup(16)
exten => ring,1,Ringing()
 same => n,Wait(3600)
exten => answer,1,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,Wait(3600)
 same => n,Hangup(16)

[shown]
exten => _[+0-9].,1,Set(FILE($home/rung,,,al,u)=$${EXTEN} $${UNIQUEID})
 same => n,Set(FILE($home/shown,,,al,u)=$${UNIQUEID}|$${CALLERID(num)}|$${CALLERID(name)})
 same => n,Goto(carrier,fate-$${EXTEN:-1},1)

[agents]
exten => _1XX,1,Answer()
 same => n,Wait(3600)
exten => _2XX,1,Answer()
 same => n,Wait(0.5)
 same => n,Hangup(16)
exten => _3XX,1,Ringing()
 same => n,Wait(3600)
""")


def fate_of(number: str) -> Fate:
    """Return what the carrier does with a number."""
    return FATES[int(number[-1])]


def number_of(fate: Fate, *, place: int = 0) -> str:
    """Return a number that meets `fate`; different ones for different places."""
    if fate is Fate.OPTS_OUT:
        return key_presser("9", place=place)
    if fate is Fate.MACHINE:
        return f"+1202557{place:03d}0"
    if fate is Fate.SILENT:
        return f"+1202558{place:03d}0"
    if fate is Fate.ASKS_AGENT:
        return key_presser_once("1", place=place)
    if fate is Fate.WRONG_KEY:
        return key_presser("0", place=place)
    digit = 9 if fate is Fate.ANSWERED_LONG else FATES.index(fate)
    return f"+1202555{place:03d}{digit}"


def key_presser(key: str, *, place: int = 0) -> str:
    """Return the number of a person who answers, stays, and presses a digit again and again."""
    return f"+1202556{place:03d}{key}"


def key_presser_once(key: str, *, after_s: int = 0, place: int = 0) -> str:
    """Return the number of a person who answers, stays, and presses a digit half a second later than `after_s`."""
    return f"+1202559{after_s}{place:02d}{key}"


def _fate_extensions() -> str:
    """Return the carrier's extensions fate-0 to fate-9, by the same table as `fate_of`."""
    lines = []
    for digit, fate in enumerate(FATES):
        if fate in CAUSES:
            lines += [
                f"exten => fate-{digit},1,Ringing()",
                " same => n,Wait(0.1)",
                f" same => n,Hangup({CAUSES[fate]})",
            ]
        else:
            lines.append(f"exten => fate-{digit},1,Goto({'ring' if fate is Fate.NO_ANSWER else 'answer'},1)")
    return "\n".join(lines)


def free_port() -> int:
    """Return a port that is free now: below those that the system gives to whoever asks for any, so that no connection
    takes it before its server does."""
    while True:
        port = _PORTS.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RealAsterisk:
    """One Asterisk process with a configuration, a port and files of its own; a context manager, or start and stop.

    Its sounds are SOUNDS. Raises ExchangeUnavailable where there is no chroot or we are not root.
    """

    def __init__(self) -> None:
        self.root = Path(os.environ.get("DIALLER_TEST_ASTERISK", DEFAULT_ROOT))
        if not (self.root / "usr/sbin/asterisk").exists():
            raise ExchangeUnavailable(f"no Asterisk in {self.root}; `.ci/asterisk` makes one")
        if os.geteuid() != 0:
            raise ExchangeUnavailable("chroot needs root")
        self.port = free_port()
        self.username, self.secret = USERNAME, SECRET
        self._process: subprocess.Popen[bytes] | None = None
        (self.root / "srv").mkdir(exist_ok=True)
        self._home = Path(tempfile.mkdtemp(prefix="dialler-", dir=self.root / "srv"))
        self._write()

    @property
    def home(self) -> str:
        """Its directory, as Asterisk sees it."""
        return f"/{self._home.relative_to(self.root)}"

    @property
    def server(self) -> AsteriskServer:
        """The settings that reach it, with one trunk to the carrier."""
        trunk = AsteriskTrunk(name="carrier", dial="Local/{number}@carrier/n", calls_per_second=40.0, channels=200)
        return AsteriskServer(
            name="asterisk", port=self.port, username=self.username, secret=self.secret, trunks=(trunk,)
        )

    @property
    def presenting_server(self) -> AsteriskServer:
        """The same with one more trunk for each form of numbers, on which the carrier knows the common fates only."""
        [trunk] = self.server.trunks
        places = zip(NumberForm, ("number", "digits", "national", "international"), strict=True)
        presenting = [
            replace(trunk, name=f"carrier-{form}", dial=f"Local/{{{at}}}@carrier/n", presentation=PRESENTATIONS[form])
            for form, at in places
        ]
        return replace(self.server, trunks=(trunk, *presenting))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it, and return once it has booted."""
        log = (self._home / "log" / "stdout").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    "chroot",
                    self.root,
                    "asterisk",
                    "-f",
                    "-U",
                    "asterisk",
                    "-G",
                    "asterisk",
                    "-C",
                    f"{self.home}/etc/asterisk.conf",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt from the terminal is for the tests, which then stop it
            )
        deadline = time.monotonic() + START_S
        while "fully booted" not in self.cli("core waitfullybooted", check=False):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"Asterisk did not start: {(self._home / 'log/stdout').read_text()[-2000:]}")
            time.sleep(0.05)

    def cli(self, command: str, *, check: bool = True) -> str:
        """Run a command on Asterisk's own console and return what it prints."""
        done = subprocess.run(
            ["chroot", self.root, "asterisk", "-C", f"{self.home}/etc/asterisk.conf", "-rx", command],
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"asterisk -rx {command!r} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def rung(self) -> Counter[str]:
        """Return how often each number reached the carrier, since the first start."""
        return Counter(number for number, _ in self._rung_lines())

    def rung_ids(self) -> Counter[str]:
        """Return how often each call, by the id that it was given (ChannelId), reached the carrier."""
        # The carrier's half of a Local channel has the other half's id with ";2" behind it.
        return Counter(call_id.removesuffix(";2") for _, call_id in self._rung_lines())

    def _rung_lines(self) -> list[tuple[str, str]]:
        path = self._home / "rung"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(number, call_id) for number, call_id in map(str.split, lines)]

    def shown(self, call_id: str) -> tuple[str, str]:
        """Return the name and the number that the carrier was shown for a call that has reached it."""
        lines = [line.split("|") for line in (self._home / "shown").read_text().splitlines()]
        [shown] = [(name, number) for each, number, name in lines if each.removesuffix(";2") == call_id]
        return shown

    def channels(self) -> int:
        """Return how many channels are up."""
        return int(self.cli("core show channels count").split()[0])

    def calls_up(self) -> dict[str, str]:
        """Return the channels of the calls that are up, by the calls' ids."""
        lines = [line.split("!") for line in self.cli("core show channels concise").splitlines()]
        return {fields[-1]: fields[0] for fields in lines if fields[0].endswith(";1")}

    def hang_up_all(self) -> None:
        """End every call, and return once they are gone."""
        deadline = time.monotonic() + START_S
        while self.channels():
            self.cli("channel request hangup all")
            assert time.monotonic() < deadline, "calls are left in Asterisk"

    def kill(self) -> None:
        """End it without warning, as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; its calls end with it."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write(self) -> None:
        (self._home / "etc").mkdir()
        for part in ("lib", "spool", "run", "log"):
            (self._home / part).mkdir()
        facts = {
            "home": self.home,
            "port": self.port,
            "secret": SECRET,
            "fates": _fate_extensions(),
        }
        queue = Snippet((CONFIG / "queues_dialler.conf").read_text())
        account = {"username": USERNAME, "secret": SECRET, "permit": "127.0.0.1/255.255.255.255"}
        files = {
            "asterisk.conf": ASTERISK_CONF.substitute(facts),
            "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES.split()),
            "logger.conf": "[general]\n[logfiles]\nmessages = notice,warning,error\n",
            "manager.conf": MANAGER_CONF.substitute(facts),
            "manager_dialler.conf": Snippet((CONFIG / "manager_dialler.conf").read_text()).fill(account),
            "extensions.conf": EXTENSIONS_CONF.substitute(facts),
            "extensions_dialler.conf": Snippet((CONFIG / "extensions_dialler.conf").read_text()).fill(
                {"context": "dlr-answered"}
            ),
            "queues.conf": "[general]\npersistentmembers = no\n"
            + queue.fill({"queue": QUEUE})
            + "member => Local/100@agents/n,0,Ann\nmember => Local/101@agents/n,0,Bob\n"
            + queue.fill({"queue": BRIEF_QUEUE})
            + "member => Local/200@agents/n,0,Cleo\n"
            + queue.fill({"queue": RINGING_QUEUE})
            + "".join(f"member => Local/{300 + each}@agents/n,0\n" for each in range(RINGING_AGENTS))
            + queue.fill({"queue": EMPTY_QUEUE})
            + "".join(queue.fill({"queue": each}) for each in LOGIN_QUEUES),
        }
        for name in (
            "queuerules.conf",
            "features.conf",
            "acl.conf",
            "ccss.conf",
            "indications.conf",
            "cdr.conf",
            "cel.conf",
        ):
            files[name] = ""
        files |= {"udptl.conf": "", "stasis.conf": "", "sorcery.conf": "", "amd.conf": "", "http.conf": ""}
        for name, content in files.items():
            (self._home / "etc" / name).write_text(content)
        (self._home / "data").mkdir()
        (self._home / "data/documentation").symlink_to("/usr/share/asterisk/documentation")
        for name, seconds in SOUNDS.items():
            _write_silence(self._home / f"data/sounds/en/{name}.wav", seconds)
        uid, gid = _account_of(self.root)
        for path in (self._home, *self._home.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)


def _write_silence(path: Path, seconds: float) -> None:
    """Write so much silence, which takes no room on the disk however long it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.setnframes(int(seconds * 8000))
        sound.writeframesraw(bytes(2))
    with path.open("r+b") as file:
        file.truncate(44 + int(seconds * 8000) * 2)
        # The header's two lengths, which `wave` has corrected to the one frame that it saw.
        for place, length in ((4, 36 + int(seconds * 8000) * 2), (40, int(seconds * 8000) * 2)):
            file.seek(place)
            file.write(length.to_bytes(4, "little"))


def _account_of(root: Path) -> tuple[int, int]:
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == "asterisk":
            return int(uid), int(gid)
    raise ExchangeUnavailable(f"no account asterisk in {root}")


_shared: list[RealAsterisk] = []


def shared_asterisk() -> RealAsterisk:
    """Return one Asterisk for all tests of this process that clean up behind them; started when first needed."""
    if not _shared:
        asterisk = RealAsterisk()
        at_end.callback(asterisk.close)
        asterisk.start()
        _shared.append(asterisk)
    return _shared[0]


class AsteriskExchange:
    """`tests.support.exchanges.Exchange` on a real Asterisk, through a proxy that can cut the link."""

    trunk = "carrier"
    server = "asterisk"
    waiting_queue = RINGING_QUEUE
    talker = "Local/100@agents/n"
    brief_agent = "Local/200@agents/n"
    ringing_agent = "Local/300@agents/n"
    absent_agent = "Local/999@agents/n"
    leaver = "+12025540000"
    login_queues = LOGIN_QUEUES
    agent = "Local/150@agents/n"
    agent_queue = QUEUE
    sound, hour_sound = SHORT_SOUND, HOUR_SOUND
    presenting: Mapping[NumberForm, str] = {form: f"carrier-{form}" for form in NumberForm}

    def __init__(self, asterisk: RealAsterisk, telephony: AsteriskNetwork, proxy: CuttableProxy) -> None:
        self.asterisk = asterisk
        self.telephony = telephony
        self._proxy = proxy

    def number_for(self, fate: Fate) -> str:
        return number_of(fate)

    async def shown(self, call_id: str) -> tuple[str, str]:
        return self.asterisk.shown(call_id)

    async def cut_link(self) -> None:
        await self._proxy.cut()

    async def restore_link(self) -> None:
        await self._proxy.restore()

    async def until_over(self, call_id: str) -> None:
        while call_id in await anyio.to_thread.run_sync(self.asterisk.calls_up):
            pass


@contextlib.asynccontextmanager
async def asterisk_exchange() -> AsyncIterator[AsteriskExchange]:
    """Run the AMI adapter against the shared Asterisk; no calls are left behind."""
    asterisk = await anyio.to_thread.run_sync(shared_asterisk)
    try:
        async with CuttableProxy(asterisk.port) as proxy:
            settings = replace(asterisk.presenting_server, port=proxy.port)
            network = AsteriskNetwork([settings], timing=FAST)
            async with anyio.create_task_group() as tasks:
                await tasks.start(lambda *, task_status: network.run(task_status=task_status))
                yield AsteriskExchange(asterisk, network, proxy)
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(asterisk.hang_up_all)
