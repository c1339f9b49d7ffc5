import { expect, test } from 'vitest';
import { AnswerReader, encodeCommand, RedisError } from '../../src/cache/resp.ts';

const stream = '+OK\r\n$5\r\nhé\r\n\r\n*3\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$-1\r\n:-7\r\n-ERR no\r\n*0\r\n';

test('answers are the same however the bytes come', () => {
  const bytes = Buffer.from(stream);
  for (let size = 1; size <= bytes.length; size++) {
    const answers: unknown[] = [];
    const reader = new AnswerReader((answer) => answers.push(answer));
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
    }
    expect(answers).toEqual(['OK', 'hé\r\n', ['0', ['a', null], -7], new RedisError('ERR no'), []]);
  }
});

test('a word is as long as its bytes', () => {
  expect(encodeCommand(['GET', 'é'])).toBe('*2\r\n$3\r\nGET\r\n$2\r\né\r\n');
});

test('what is not Redis is said to be', () => {
  expect(() => new AnswerReader(() => {}).push(Buffer.from('HTTP/1.1 400\r\n'))).toThrow('not Redis');
});
