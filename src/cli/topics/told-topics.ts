/** The topics that are told rather than derived from a table. */

export const outputText = `
Results go to stdout; progress, questions, warnings and errors go to stderr.

  --output table    for people, the default
  --output json     one value, also: --json
  --output ndjson   one line of JSON per row, as it comes
  --output csv      a line per row, with a header

In JSON, names are camelCase, quantities and money are strings of exact decimals, and instants are ISO 8601 in UTC.
Cells of csv that a spreadsheet would run as a formula begin with an apostrophe.

  --json a,b        only these fields: of the result, or of each element of the list in it
  --jq EXPRESSION   what jq makes of the JSON, texts without quotes; nothing has to be installed
  --template TEXT   lines made of the JSON, in the language of Handlebars with pad, padStart, join and json; \\n is a
                    line break

A field that is not there ends with exit code 2 and the names of those that are, before anything is changed.

With json or ndjson an error is the last line of stderr:
  {"error":{"code":"notFound","message":"…","detail":"…","suggestion":"…"}}

  --quiet           only results, warnings and errors; a job that has nothing to do prints nothing
  --verbose         what is being done, too
  --no-color        no colours; NO_COLOR=1 says the same, FORCE_COLOR=1 the opposite
  --no-pager        lists that are longer than the terminal straight to it; QUOTA_PAGER and PAGER name another pager
  --wide            tables with all columns and whole cells; without it they fit the terminal, elsewhere they are whole
  --no-input        ask nothing, also on a terminal; with --quiet or --json what a line lacks is an error, too

  $ quota user list --state exceeded --output csv > exceeded.csv
  $ quota user list --json externalId,percent
  $ quota user show ada --jq '.subscriptions[].quotas[] | [.meter, .remaining] | @tsv'
  $ quota user list --template '{{#each users}}{{pad externalId 20}}{{percent}}\\n{{/each}}'
`;

export const timeText = `
Everything is UTC, unless it says otherwise. A user's periods follow the user's own time zone.

  an instant        2026-11-01T00:00:00Z, "2026-11-01 02:00+02:00"; in options also 2026-11-01, its midnight
  from now          now, yesterday, 2h, "3 days ago", "in 30d"; a bare length points back, that of --expires ahead
  a month           2026-11, last-month, October, "oct 2025"
  a length of time  15m, 1h30m, 90s, 2d, 1:30 (minutes and seconds), 1:02:05; where seconds are asked for also 90

Spans are half open: --from 2026-10-01 --to 2026-11-01 is October, and nothing of November.

--as-of INSTANT acts as if it were that instant: what is told, and what is done, is what would be told and done then.
"2h" then is counted from that instant.

A period begins and ends at the k-th interval from its anchor, never from the period before: a subscription of the 31st
of January renews on the 28th of February and on the 31st of March.

  $ quota user show ada --as-of 2026-11-30T23:59:59Z
  $ quota audit log --since 2h
`;

export const rolesText = `
quota db migrate makes four roles in the database, and gives each what its work needs, and nothing else. A login becomes
a member of one of them: create role reports login password '…' in role quota_readonly

  quota_app         calls the functions for apps, touches no table
  quota_operator    reads all, changes users, adjusts usage, limits assistants; runs the jobs
  quota_finance     reads all, keeps exports and reconciliations, adds and corrects calls
  quota_readonly    reads all but what is personal in the history

The owner of the tables migrates, purges, erases people and changes plans. Who is named in the history is QUOTA_ACTOR,
else the user of the operating system.

  $ DATABASE_URL=postgres://reports@db.example.com/app quota user list
`;
