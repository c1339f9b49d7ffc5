import { directStdout } from '../src/cli/direct-stdout.ts';
import { main } from '../src/cli/main.ts';

/** Help and completion, without commands. */
void main(process, directStdout(process)).then((exitCode) => {
  process.exitCode = exitCode;
});
