create or replace function quota.shown(p_text text) returns text
language sql immutable parallel safe
as $$ select regexp_replace(left(p_text, 60), '[[:cntrl:]]', '?', 'g') $$;
comment on function quota.shown(text) is
  'What a message repeats of a text that somebody gave: its beginning, without what acts on a terminal.';
