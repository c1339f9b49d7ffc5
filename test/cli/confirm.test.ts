import { expect, test } from 'vitest';
import { confirmChange } from '../../src/cli/confirm.ts';
import { createPrompt, type Prompt } from '../../src/cli/prompt.ts';
import type { ChangeOptions, Environment } from '../../src/context.ts';
import { fakeProcess } from '../run-cli.ts';

const change = { action: 'Reset ada', name: 'ada' };
const nobody: Prompt = {
  interactive: false,
  confirm: () => Promise.reject(new Error('asked without a terminal')),
  text: () => Promise.reject(new Error('asked without a terminal')),
  choose: () => Promise.reject(new Error('asked without a terminal')),
  search: () => Promise.reject(new Error('asked without a terminal')),
};
const person = (answer: { yes?: boolean; types?: string }): Prompt => ({
  interactive: true,
  confirm: async () => answer.yes === true,
  text: async () => answer.types ?? '',
  choose: async (_message, _choices, initial) => initial,
  search: async () => '',
});

const allowed: [Environment, Prompt, ChangeOptions, boolean][] = [
  ['development', nobody, { dryRun: true }, false],
  ['production', nobody, { dryRun: true, yes: true }, false],
  ['development', nobody, { yes: true }, true],
  ['test', nobody, { confirm: 'ada' }, true],
  ['development', person({ yes: true }), {}, true],
  ['production', nobody, { confirm: 'ada' }, true],
  ['production', person({ types: ' ada ' }), {}, true],
  ['production', person({ types: 'ada' }), { yes: true }, true],
];
test.each(allowed)('%s %o %o: %s', async (environment, prompt, options, answer) => {
  expect(await confirmChange(prompt, environment, change, options)).toBe(answer);
});

const refused: [Environment, Prompt, ChangeOptions, RegExp][] = [
  ['development', nobody, {}, /no terminal/],
  ['development', nobody, { reason: 'because' }, /no terminal/],
  ['development', person({ yes: false }), {}, /not confirmed/],
  ['development', nobody, { yes: true, confirm: 'grace' }, /"grace" is not the name/],
  ['production', nobody, {}, /typed confirmation/],
  ['production', nobody, { yes: true }, /typed confirmation/],
  ['production', nobody, { yes: true, confirm: 'Ada' }, /"Ada" is not the name/],
  ['production', person({ types: '' }), { yes: true }, /is not the name/],
];
test.each(refused)('%s %o %o is refused', async (environment, prompt, options, message) => {
  const error = await confirmChange(prompt, environment, change, options).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'refused', exitCode: 5, message: expect.stringMatching(message) });
});

test('the suggested --confirm can be pasted into a shell', async () => {
  const error = await confirmChange(nobody, 'production', { action: 'Reset', name: "o'hara x" }, {}).catch(
    (e) => e,
  );
  expect(error.suggestion).toBe(`add --confirm 'o'\\''hara x'`);
});

test.each([
  ['y\n', true],
  ['n\n', false],
  ['\n', false],
])('on a terminal, %j answers %s', async (input, answer) => {
  const { process, stdout, stderr } = fakeProcess([], { tty: true, input });
  const prompt = createPrompt(process, new AbortController().signal);
  expect(prompt.interactive).toBe(true);
  expect(await prompt.confirm('Reset ada?')).toBe(answer);
  expect(stderr()).toContain('Reset ada?');
  expect(stdout()).toBe('');
});

test('text is asked for on stderr too, and an interruption ends the question', async () => {
  const { process, stderr } = fakeProcess([], { tty: true, input: 'ada\n' });
  expect(await createPrompt(process, new AbortController().signal).text('Type ada:')).toBe('ada');
  expect(stderr()).toContain('Type ada:');
  const silent = fakeProcess([], { tty: true });
  const controller = new AbortController();
  const question = createPrompt(silent.process, controller.signal).text('Type ada:');
  await expect.poll(silent.stderr).toContain('Type ada:');
  controller.abort(new Error('interrupted'));
  await expect(question).rejects.toThrow();
});
