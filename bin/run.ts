import { main } from '../src/cli/main.ts';

/** Built twice: with all commands, and without them, for help and completion. */
void main(process).then((exitCode) => {
  process.exitCode = exitCode;
});
