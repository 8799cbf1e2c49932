// Runs programs in rp2040js for benchmarks/rp2040js/machine.py: a request and an answer a line, in JSON.
import { createInterface } from 'node:readline';
import { ConsoleLogger, LogLevel, RP2040 } from 'rp2040js';

const NANOSECONDS_PER_CYCLE = 1e9 / 125e6; // as rp2040js's own Simulator has it
const SRAM = 0x20000000;
const FLASH = 0x10000000;

let chip, uart, stopped;

// A place in SRAM or flash, as a view of `size` bytes.
function memory(address, size) {
  const [bytes, base] = address >= SRAM ? [chip.sram, SRAM] : [chip.flash, FLASH];
  return bytes.subarray(address - base, address - base + size);
}

function write({ address, data }) {
  const bytes = Buffer.from(data, 'base64');
  memory(address, bytes.length).set(bytes);
  return {};
}

function read({ address, size }) {
  return { data: Buffer.from(memory(address, size)).toString('base64') };
}

// A fresh chip, right before a program's first instruction.
function reset({ bootrom, segments, sp, pc, vtor }) {
  chip = new RP2040();
  chip.logger = new ConsoleLogger(LogLevel.Error);
  const rom = Buffer.from(bootrom, 'base64');
  chip.loadBootrom(new Uint32Array(rom.buffer, rom.byteOffset, rom.length / 4));
  segments.forEach(write);
  uart = [];
  chip.uart[0].onByte = (byte) => uart.push(byte);
  chip.onBreak = (number) => (stopped = number);
  // LR as the Armv6-M manual has it after reset (DDI0419, B1.5.5)
  Object.assign(chip.core, { SP: sp, PC: pc, LR: 0xffffffff, VTOR: vtor, cycles: 0 });
  return {};
}

// To the next breakpoint, in the way of rp2040js's own Simulator; only this is timed. Its PIO runs a
// thousand cycles at a time whenever the core makes a pause, which it never does here: state machines
// that run already are stepped with the core instead, cycle for cycle.
function run({ maxCycles }) {
  const { core, clock } = chip;
  const end = core.cycles + maxCycles;
  const running = chip.pio.filter((pio) => !pio.stopped);
  for (const pio of running) clearTimeout(pio.runTimer);
  stopped = null;
  const start = performance.now();
  while (stopped === null && core.cycles < end) {
    if (core.waiting) throw new Error('the program sleeps, of which no cycles are counted');
    const cycles = core.executeInstruction();
    clock.tick(cycles * NANOSECONDS_PER_CYCLE);
    for (const pio of running) for (let n = 0; n < cycles; n++) pio.step();
  }
  for (const pio of chip.pio) clearTimeout(pio.runTimer);
  const seconds = (performance.now() - start) / 1000;
  const output = Buffer.from(uart).toString('base64');
  return { breakpoint: stopped, cycles: core.cycles, seconds, output };
}

const OPERATIONS = { reset, run, read, write };

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(OPERATIONS[request.operation](request)));
}
