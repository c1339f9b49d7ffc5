import { withDirectStdout } from '../src/cli/direct-stdout.ts';
import { main } from '../src/cli/main.ts';

/** Help and completion, without commands. */
void main(withDirectStdout(process)).then((exitCode) => {
  process.exitCode = exitCode;
});
