import { main } from '../src/cli/main.ts';

/** All commands. */
void main(process).then((exitCode) => {
  process.exitCode = exitCode;
});
