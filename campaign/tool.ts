import { spawn } from 'node:child_process';
import { withFault } from './faults.ts';
import { bin, type Place } from './place.ts';
import { mayBreak, type Step, type Told } from './step.ts';

/** Exit codes of commands that have done all of it. */
const done = new Set([0, 3]);
/** Those of commands that have done nothing: asked wrongly, not found, refused, bad data. */
const refused = new Set([2, 4, 5, 65]);
/** Those of commands that could not, or not to the end; which of it has happened is in the database. */
const unknown = new Set([69, 75, 130, 143]);
/** The tool waits a minute at most for a server that says nothing, and for its own bounds. */
const endMsMax = 180_000;

/** Runs a command at the clock of its step, with its fault. */
export async function runTool(place: Place, step: Step, words: readonly string[]): Promise<Told> {
  const all = [...words, '--as-of', step.at, '--json'];
  const { DATABASE_URL: _, ...env } = place.environment();
  const child = spawn(process.execPath, [bin, ...all], {
    env: step.isEmbedded ? env : { ...env, DATABASE_URL: urlFor(place, step) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const end = new Promise<{ code: number | null; isLate: boolean }>((settle) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, endMsMax);
    child.on('close', (code) => {
      clearTimeout(timer);
      settle({ code, isLate });
    });
  });
  const { code, isLate } = await withFault(place, step, 'quota', () => child.kill('SIGKILL'), end);
  return toldOf(step, all, { code, isLate, stdout, stderr });
}

const urlFor = (place: Place, { fault }: Step) =>
  fault?.kind === 'break' || fault?.kind === 'stall' ? place.lineUrl : place.url;

interface Ended {
  code: number | null;
  isLate: boolean;
  stdout: string;
  stderr: string;
}

function toldOf(step: Step, words: readonly string[], { code, isLate, stdout, stderr }: Ended): Told {
  const said = `quota ${words.join(' ')} → ${code}: ${stderr.trim() || stdout.trim()}`.slice(0, 6000);
  if (isLate) {
    throw new Error(`it hangs: ${said}`);
  }
  if (code === null && step.fault?.kind === 'kill') {
    return { result: 'unknown', words: said };
  }
  if (code !== null && done.has(code)) {
    return { result: 'done', words: said, answer: answerOf(stdout) };
  }
  if (code !== null && refused.has(code)) {
    return { result: 'refused', words: said };
  }
  if (code !== null && unknown.has(code) && (code === 75 || mayBreak(step))) {
    return { result: 'unknown', words: said };
  }
  throw new Error(`it may not end so: ${said}`);
}

function answerOf(stdout: string): { [field: string]: unknown } {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`its answer is no JSON: ${stdout.slice(0, 300)}`);
  }
}
