"""The USB bus as its host drives it: frames, and transactions one after the other.

Time is counted in bits of 12 Mbit/s. A token takes 35 of them, a handshake 19, data 35 and 8 for
each byte (USB 2.0, 8.4; stuffed bits left out), and there are 4 between packets (7.1.18). After a
NAK the host looks again after 16 us, then after twice as long, up to 128 us: a busy endpoint is
served at once, and an idle one costs the simulation little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.usb_transfers import (
    FRAME,
    NoAnswerError,
    Pause,
    StallError,
    Steps,
    Token,
    Transaction,
    UsbError,
)
from priot.sim.peripherals.usbctrl import Data, Handshake, Usbctrl

BIT_HZ = 12_000_000
_TOKEN, _HANDSHAKE, _DATA, _GAP = 35, 19, 35, 4
_SHORT = _TOKEN + _GAP + _HANDSHAKE + _GAP  # a token and its handshake
_WHOLE = _SHORT + _DATA + _GAP  # with data between them, and 8 bits for each byte
_SETUP_SIZE = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 192, 1536  # after a NAK
_FRAME_NUMBERS = 1 << 11
_CONTROL_TIMEOUT = 5000 * FRAME  # 9.2.6.1
_ATTEMPTS = 3  # of a transaction that gets no answer


class _Task:
    """A driver on its way; `at` is when it goes on."""

    def __init__(self, steps: Steps[None], now: int, interval: int) -> None:
        self.steps, self.interval, self.at = steps, interval, now
        self.asks: Transaction | None = None
        self.since = now  # it asks
        self.pause = _FIRST_PAUSE
        self.failures = 0
        self.is_running = False


@dataclass(frozen=True)
class _Flight:
    """A transaction that will succeed, until its end."""

    task: _Task
    asks: Transaction
    data: Data | None
    end: int


class UsbBus:
    """Carries out what drivers ask for.

    Args:
        scheduler: the owner of time.
        counter: counts bits of 12 Mbit/s.
        device: what the packets reach.
        on_failure: called with an error that a driver did not expect.

    Attributes:
        address: of the device; 0 until it has got one.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        counter: ClockCounter,
        device: Usbctrl,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._counter, self._device, self._on_failure = counter, device, on_failure
        self._wakeup = scheduler.wakeup(self)
        device.steady_until = lambda: self._wakeup.cycle
        self._tasks: list[_Task] = []
        self._known: int | None = None  # when something happens next, if nothing changes before
        self.stop()

    def stop(self) -> None:
        """No drivers, no frames."""
        ended, self._tasks = self._tasks, []
        for task in ended:
            if not task.is_running:
                task.steps.close()
        self._flight: _Flight | None = None
        self._free_at = self._frame = 0
        self._frame_at: int | None = None  # when the next SOF is over
        self.forget_device()
        self._changed()

    def forget_device(self) -> None:
        """A reset of the bus: address 0, DATA0 next."""
        self.address = 0
        self._toggles: dict[tuple[Token, int], int] = {}

    def start_at_data0(self, kind: Token, endpoint: int) -> None:
        """An endpoint is no longer halted."""
        self._toggles[kind, endpoint] = 0

    @property
    def has_frames(self) -> bool:
        """Whether there is a SOF each millisecond; without, there are no transactions either."""
        return self._frame_at is not None

    @has_frames.setter
    def has_frames(self, on: bool) -> None:
        self._frame_at = self._counter.count + FRAME if on else None
        self._changed()

    def start(self, steps: Steps[None], interval: int = 0) -> None:
        """Let a driver begin.

        Args:
            interval: frames between two polls; 0: as often as the bus allows.
        """
        now = self._counter.count
        task = _Task(steps, now, interval)
        self._tasks.append(task)
        self._resume(task, now, lambda: next(steps))
        self._changed()

    def wake(self) -> None:
        """Let the drivers look that wait for something to do."""
        now = self._counter.count
        for task in self._tasks:
            if task.at == NEVER:
                task.at = now
        self._changed()

    def _changed(self) -> None:
        self._known = None
        self._wakeup.refresh()

    def due(self) -> int:
        """See Timed."""
        count = self._next()
        return NEVER if count >= NEVER else self._counter.cycle_of(count)

    def advance(self) -> None:
        """See Timed."""
        now = self._counter.count
        while (at := self._next()) <= now:
            self._do(at)
            self._known = None

    def _start_of(self, task: _Task) -> int:
        """When its transaction can begin: not before its time, and whole within a frame."""
        asks, frame_at = task.asks, self._frame_at
        if asks is None:
            return task.at
        if frame_at is None:
            return NEVER
        start = max(task.at, self._free_at)
        end = start + _WHOLE + 8 * max(len(asks.data), asks.packet)
        return start if end <= frame_at - _TOKEN else frame_at

    def _next(self) -> int:
        """When something happens next."""
        if self._known is None:
            self._known = self._soonest()
        return self._known

    def _soonest(self) -> int:
        if self._flight:
            return self._flight.end
        soonest = NEVER if self._frame_at is None else self._frame_at
        return min([soonest, *(self._start_of(task) for task in self._tasks)])

    def _do(self, at: int) -> None:
        """What happens at this time."""
        if self._flight:
            self._end(self._flight)
        elif self._frame_at is not None and self._frame_at <= at:
            self._free_at = at + _GAP
            self._frame_at += FRAME
            self._frame = (self._frame + 1) % _FRAME_NUMBERS
            self._device.start_of_frame(self._frame)
        else:
            ready = [task for task in self._tasks if self._start_of(task) <= at]
            # Periodic transfers come first (5.6.4, 5.7.4); the others take turns.
            task = min(ready, key=lambda task: (task.asks is not None, not task.interval, task.at))
            if task.asks is None:
                self._send(task, at, b"")
            else:
                self._begin(task, task.asks, at)

    def _begin(self, task: _Task, asks: Transaction, at: int) -> None:
        """A token, and what the device answers."""
        device, number = self._device, asks.endpoint
        answer: Data | Handshake
        if asks.kind is Token.SETUP:
            answer = device.setup_token(self.address)
        elif asks.kind is Token.IN:
            answer = device.answer_in(self.address, number)
        else:
            answer = device.answer_out(self.address, number)
        data = answer if isinstance(answer, Data) else None
        whole = at + _WHOLE + 8 * len(data.payload if data else asks.data)
        if data or answer is Handshake.ACK:
            self._flight = _Flight(task, asks, data, whole)
            return
        self._free_at = at + _SHORT if asks.kind is Token.IN else whole
        if answer is Handshake.NAK:
            self._try_again(task, asks, at)
        elif answer is Handshake.STALL:
            self._fail(task, at, StallError(f"endpoint {number} stalls"))
        elif task.failures + 1 < _ATTEMPTS:
            task.failures += 1
            task.at = at + FRAME
        else:
            self._fail(task, at, NoAnswerError(f"endpoint {number} does not answer"))

    def _end(self, flight: _Flight) -> None:
        """A transaction has succeeded."""
        task, asks, data, at = flight.task, flight.asks, flight.data, flight.end
        side = asks.kind, asks.endpoint
        expected = self._toggles.get(side, 0)
        self._flight = None
        self._free_at = at
        task.failures = 0
        self._toggles[side] = expected ^ 1
        if asks.kind is Token.SETUP:
            self._toggles[Token.IN, asks.endpoint] = self._toggles[Token.OUT, asks.endpoint] = 1
            self._device.setup(asks.data)
        elif data is None:
            self._device.received(asks.endpoint, expected, asks.data)
        else:
            self._device.sent(asks.endpoint)
            if data.pid != expected:  # for the host these are the last data once more (8.6.4)
                self._toggles[side] = expected
                self._try_again(task, asks, at)
                return
        if task in self._tasks:
            self._send(task, at, data.payload if data else b"")

    def _try_again(self, task: _Task, asks: Transaction, at: int) -> None:
        if not asks.endpoint and at - task.since > _CONTROL_TIMEOUT:
            self._fail(task, at, NoAnswerError("a control request is not answered for 5 s"))
        elif task.interval:
            task.at = self._next_poll(task, at)
        else:
            task.at = at + task.pause
            task.pause = min(2 * task.pause, _LONGEST_PAUSE)

    def _next_poll(self, task: _Task, at: int) -> int:
        return (at if self._frame_at is None else self._frame_at) + (task.interval - 1) * FRAME

    def _send(self, task: _Task, at: int, data: bytes) -> None:
        polled = task.interval and task.asks
        self._resume(task, at, lambda: task.steps.send(data))
        if polled and task.asks:
            task.at = self._next_poll(task, at)

    def _fail(self, task: _Task, at: int, error: UsbError) -> None:
        task.failures = 0
        self._resume(task, at, lambda: task.steps.throw(error))

    def _resume(self, task: _Task, at: int, go_on: Callable[[], Transaction | Pause]) -> None:
        """Let a driver take its next step."""
        step: Transaction | Pause | None = None
        task.is_running = True
        try:
            step = go_on()
        except StopIteration:
            pass
        except (UsbError, ValueError) as error:
            self._on_failure(error)
        task.is_running = False
        if task not in self._tasks:
            task.steps.close()
        elif step is None:
            self._tasks.remove(task)
        elif isinstance(step, Pause):
            task.asks, task.at = None, min(at + step.bits, NEVER)
        else:
            task.asks, task.at, task.since, task.pause = step, at, at, _FIRST_PAUSE
