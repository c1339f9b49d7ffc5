-- Matching of call lines with call logs, by sets. The order of the kinds is that of the rules: outside_month,
-- not_connected, unsettled, duplicate_line, then by the pair found, then unlogged and unbilled.
-- Nothing depends on the order of lines, of logs or of files: ties go by content.

create or replace function quota.match_calls(
  r quota.reconciliations, exports integer[], month_start timestamptz, month_end timestamptz)
returns void
language plpgsql
as $$
begin
  perform quota.match_by_id(r, exports, month_start, month_end);
  perform quota.loose_lines(exports, month_start, month_end);
  perform quota.mark_repetitions(r);
  perform quota.pair_by_time(r, month_start, month_end);
  perform quota.settle_open_lines(r, month_start, month_end);
end $$;
comment on function quota.match_calls(quota.reconciliations, integer[], timestamptz, timestamptz) is
  'Writes computed_plain and computed_rows: every call line of the exports and every log of the month, once, '
  'with its kind.';
