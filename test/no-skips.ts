import type { Reporter, TestModule } from 'vitest/node';

/** What may be missing here: whoever is not root cannot try what only root can; programs that the run could not get. */
const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...(process.env.QUOTA_CI_WITHOUT ?? '').split(' ').filter((name) => name !== ''),
];

/**
 * Fails a run in which a test was skipped, and names it. A test that needs what may be missing has the word in its name
 * or in the name of what it stands in.
 */
export default class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter(({ fullName }) => !missing.some((word) => new RegExp(`\\b${word}\\b`).test(fullName)))
      .map(({ module, fullName }) => `${module.relativeModuleId}: ${fullName}`);
    if (skipped.length > 0) {
      process.stderr.write(`\nSkipped, which fails a run in CI:\n${skipped.join('\n')}\n`);
      process.exitCode = 1;
    }
  }
}
