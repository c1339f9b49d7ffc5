import { spawn } from 'node:child_process';
import type { AlertTarget } from './alert-target.ts';

const timeoutMs = 30_000;
const errorLengthMax = 500;

/**
 * Runs a shell command with the alert as a line on its stdin; 0 is a receipt. What it prints on stderr when it
 * fails is told and not kept: it may be anything, a key as well.
 */
export const commandTarget = (command: string, tell: (words: string) => void): AlertTarget => ({
  name: 'command',
  send: ({ id, body }, signal) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, {
        shell: true,
        stdio: ['pipe', 'ignore', 'pipe'],
        timeout: timeoutMs,
        signal,
        env: { ...process.env, QUOTA_ALERT_ID: id },
      });
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
          if (said.trim() !== '') {
            tell(`the command for alerts ${end}: ${said.trim()}`);
          }
          reject(new Error(`the command ${end}`));
        }
      });
      child.stdin.on('error', () => {}); // It may end without reading.
      child.stdin.end(`${body}\n`);
    }),
});
