import { main } from '../src/cli/main.ts';

/** Built as CommonJS, without the commands: for what needs none of them. */
void main(process).then((exitCode) => {
  process.exitCode = exitCode;
});
