import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { unavailableError } from '../errors.ts';

const timeoutMs = 30_000;
const errorLengthMax = 500;

/** A head as it is kept elsewhere: one line of JSON. */
export interface PublishedHead {
  database: string;
  seal: string;
  lastId: string;
  hash: string;
  sealedAt: string;
}

/** What `--to` names: a file that lines are added to, or, after a `|`, a command that takes a line on its stdin. */
export interface SealTarget {
  kind: 'file' | 'command';
  place: string;
}

export const parseSealTarget = (text: string): SealTarget =>
  text.trimStart().startsWith('|')
    ? { kind: 'command', place: text.trimStart().slice(1).trim() }
    : { kind: 'file', place: text };

/** Hands a head to where the owner of the database cannot write. @throws unavailableError when it does not arrive */
export async function publishHead(head: PublishedHead, { kind, place }: SealTarget): Promise<void> {
  const line = `${JSON.stringify(head)}\n`;
  try {
    await (kind === 'file' ? addLine(place, line) : tell(place, line));
  } catch (error) {
    throw unavailableError(`the seal could not be published: ${(error as Error).message}`, {
      detail: `the history is sealed up to row ${head.lastId}; its head is ${head.hash}`,
      suggestion: 'keep that head elsewhere, or run quota audit verify --seal --to … again',
    });
  }
}

/** A new file is for its owner alone; a link is not followed. */
async function addLine(path: string, line: string): Promise<void> {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | (O_NOFOLLOW ?? 0), 0o600);
  try {
    await file.writeFile(line);
    await file.sync().catch(() => {}); // A pipe or a terminal has nothing to sync.
  } finally {
    await file.close();
  }
}

const tell = (command: string, line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ['pipe', 'ignore', 'pipe'], timeout: timeoutMs });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(0, errorLengthMax);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve();
      } else {
        const end = code === null ? `was ended by ${signal}` : `ended with ${code}`;
        reject(new Error(`the command ${end}${said.trim() === '' ? '' : `: ${said.trim()}`}`));
      }
    });
    child.stdin.on('error', () => {}); // It may end without reading.
    child.stdin.end(line);
  });
