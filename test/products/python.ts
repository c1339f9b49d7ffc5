import { spawnSync } from 'node:child_process';

/** A Python that has a module; undefined: none here has. */
export const pythonWith = (module: string): string | undefined =>
  ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', `import ${module}`]).status === 0,
  );
