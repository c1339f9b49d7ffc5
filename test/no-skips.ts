import type { Reporter, TestModule } from 'vitest/node';

/**
 * Fails a run in which a test was skipped, and names it. Whoever is not root skips what only root can try, and has "root"
 * in the name of the test or of what it stands in; nobody skips anything else.
 */
export default class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter(({ fullName }) => process.getuid?.() === 0 || !/\broot\b/.test(fullName))
      .map(({ module, fullName }) => `${module.relativeModuleId}: ${fullName}`);
    if (skipped.length > 0) {
      process.stderr.write(`\nSkipped, which fails a run in CI:\n${skipped.join('\n')}\n`);
      process.exitCode = 1;
    }
  }
}
