import { expect, test } from 'vitest';
import { lineOfRecord, recordOfCall } from '../../src/providers/exports/vapi-call-record.ts';
import { callCost, readCall, rowOfCall } from '../../src/providers/vapi/call.ts';
import { readEndOfCallReport } from '../../src/providers/vapi/end-of-call-report.ts';

const call = {
  id: 'call-1',
  assistantId: 'desk-1',
  status: 'ended',
  createdAt: '2026-10-14T12:33:15.001Z',
  startedAt: '2026-10-14T12:33:20.740Z',
  endedAt: '2026-10-14T12:35:28.338Z',
  endedReason: 'customer-ended-call',
};
const report = (message: object) =>
  readEndOfCallReport(JSON.stringify({ type: 'end-of-call-report', ...message }));

test('a list, a stored record and a report tell the same of a call', () => {
  const costs = [
    { type: 'model', cost: 0.1 },
    { type: 'voice', cost: 0.2 },
  ];
  const listed = readCall(rowOfCall({ ...call, costs }));
  expect(listed).toMatchObject({ id: 'call-1', seconds: '127.598', cost: '0.3' });
  const { startedAt, endedAt, endedReason, ...inCall } = call;
  const told = report({ startedAt, endedAt, endedReason, costs, call: inCall });
  expect(told).toEqual({ call: listed, user: null });
  const line = lineOfRecord(recordOfCall({ ...call, costs }), 7);
  expect(line).toMatchObject({ externalId: listed.id, durationSeconds: listed.seconds, cost: listed.cost });
  expect(callCost({ ...call, costs })).toBe(listed.cost);
});

test('what the message says comes before what its call says; its own length comes first', () => {
  const said = { ...call, cost: 9.99, metadata: { userId: 'ada' } };
  expect(report({ cost: 0.1931, durationSeconds: 127.6, call: said })).toMatchObject({
    call: { cost: '0.1931', seconds: '127.6', startedAt: call.startedAt },
    user: 'ada',
  });
  // Exactly a thousandth, which a float has not.
  expect(report({ durationMs: 4035, call })?.call.seconds).toBe('4.035');
  expect(
    report({ assistant: { id: 'desk-2' }, call: { ...call, assistantId: undefined } })?.call.assistantId,
  ).toBe('desk-2');
});

test('a call that never connected has neither start nor length', () => {
  const { startedAt: _, ...never } = call;
  expect(report({ call: never })?.call).toMatchObject({
    startedAt: null,
    seconds: null,
    endedAt: call.endedAt,
  });
});

test.each([
  [{ ...call, id: undefined }, 'id', 'is missing'],
  [{ ...call, endedAt: '2026-10-14T12:00:00Z' }, 'endedAt', 'is before startedAt'],
  [{ ...call, createdAt: 'soon' }, 'createdAt', '"soon" is not an instant'],
  [{ ...call, cost: 'free' }, 'cost', '"free" is not a number'],
])('%j is refused', (members, column, reason) => {
  expect(() => readCall(rowOfCall(members))).toThrow(
    expect.objectContaining({ column, reason: expect.stringContaining(reason) }),
  );
});

test('messages of other types are none, and a report without the id of its call is refused', () => {
  expect(readEndOfCallReport(JSON.stringify({ type: 'status-update', call }))).toBeUndefined();
  expect(() => report({ call: { ...call, id: undefined } })).toThrow(
    'without it a report cannot be told from its repetition',
  );
});
