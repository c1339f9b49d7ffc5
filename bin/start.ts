#!/bin/sh
/**
 * What is run as `quota`, built as CommonJS; a shell hands it to `node --`, for Node 20 takes --env-file itself
 * wherever it stands, else (the line is `scripts/build.mjs`'s). The loader of ES modules alone costs a start a tenth. What needs no command
 * - help, completion - is answered from a small file, everything else from the whole; the build has compiled both.
 */
import { join } from 'node:path';
import { version } from '../package.json';
import { compilePack, loaderOf } from './pack.ts';

const words = process.argv.slice(2);
const isName = (word: string) => !word.startsWith('-');
const isHelpFlag = (word: string | undefined) => word === '--help' || word === '-h';

/** Sits at a terminal, and is offered what can be done. */
const isPerson = () => process.stdin.isTTY && process.stdout.isTTY && process.stderr.isTTY;

/** Words that cannot be the value of an option, or an argument: no command runs. The topic of cron asks the jobs. */
const asksForHelp =
  (words.length === 0 && !isPerson()) ||
  (words[0] === 'help' && words[1] !== 'cron' && words.every(isName)) ||
  (isHelpFlag(words.at(-1)) && words.slice(0, -1).every(isName));
const asksForCompletion =
  (words[0] === 'complete' && words[1] === '--') ||
  (words[0] === 'completion' && words.length === 2 && words.every(isName));

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${version}\n`);
} else {
  // Both are made by the build, beside this.
  const path = join(__dirname, asksForHelp || asksForCompletion ? 'answer.js' : 'program.js');
  loaderOf(path, compilePack(path))('./main.js');
}
