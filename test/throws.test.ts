import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** How expected failures are made: bugs (`new Error`) are nothing that a caller can be told of before. */
const throwing = /\bthrow (?:new (?:\w+Fault|Vapi\w+Error)|\w*(?:Error|Fault|fault))\(/;
const declaration = /^(?<exported>export )?(?:async )?(?:function\*? (?<name>\w+)|const (?<value>\w+))/;

interface Unit {
  name: string;
  isExportedFunction: boolean;
  documentation: string;
  body: string;
}

/** What is declared at the margin of a file, each with the comment above it. */
function unitsOf(text: string): Unit[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, index) => (declaration.test(line) ? [index] : []));
  return starts.map((start, index) => {
    const groups = declaration.exec(lines[start] ?? '')?.groups ?? {};
    const body = lines.slice(start, starts[index + 1]).join('\n');
    return {
      name: groups.name ?? groups.value ?? '',
      isExportedFunction: groups.exported !== undefined && isFunction(body),
      documentation:
        /\/\*\*(?:[^*]|\*(?!\/))*\*\/\n$/.exec(`${lines.slice(0, start).join('\n')}\n`)?.[0] ?? '',
      body,
    };
  });
}

const isFunction = (body: string) => /^export (?:async )?function/.test(body) || /^[^{]*=>/s.test(body);

/** Those that throw by themselves or by what they call in their file. */
function throwers(units: readonly Unit[]): Set<string> {
  const found = new Set(units.filter(({ body }) => throwing.test(body)).map(({ name }) => name));
  for (let count = -1; count !== found.size; ) {
    count = found.size;
    for (const { name, body } of units) {
      if ([...found].some((thrower) => new RegExp(`(?<![.\\w])${thrower}\\(`).test(body))) {
        found.add(name);
      }
    }
  }
  return found;
}

/** What commands and the frame around them throw is reported to a person, and by nobody caught. */
const isCaught = (path: string) => !path.startsWith('commands/') && path !== 'cli/main.ts';

const sourceFiles = () =>
  readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && isCaught(path),
  );

test('every exported function that throws an expected failure says so: @throws', () => {
  const silent = sourceFiles().flatMap((file) => {
    const units = unitsOf(readFileSync(`src/${file}`, 'utf8'));
    const found = throwers(units);
    return units
      .filter(
        ({ name, isExportedFunction, documentation }) =>
          isExportedFunction && found.has(name) && !documentation.includes('@throws'),
      )
      .map(({ name }) => `${file} ${name}`);
  });
  expect(silent).toEqual([]);
});
