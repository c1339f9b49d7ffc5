import { spawn } from 'node:child_process';
import { withFault } from './faults.ts';
import type { Ground } from './ground.ts';
import { bin } from './place.ts';
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
export async function runTool(ground: Ground, step: Step, words: readonly string[]): Promise<Told> {
  const all = [...words, '--as-of', step.at, '--json'];
  const child = spawn(process.execPath, [bin, ...all], {
    env: ground.environment(step),
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
  const { code, isLate } = await withFault(ground, step, 'quota', () => child.kill('SIGKILL'), end);
  return toldOf(step, all, { code, isLate, stdout, stderr });
}

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
    return { result: 'unknown', words: said, answer: partOf(stdout) };
  }
  throw new Error(`it may not end so: ${said}`);
}

/** What a command could say that did not come to its end. */
function partOf(stdout: string): Told['answer'] {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function answerOf(stdout: string): Told['answer'] {
  const answer = partOf(stdout);
  if (answer === undefined) {
    throw new Error(`its answer is no JSON: ${stdout.slice(0, 300)}`);
  }
  return answer;
}
