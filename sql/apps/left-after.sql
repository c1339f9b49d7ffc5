create or replace function quota.left_after(p_user uuid, p_service text, p_model text)
returns quota.check_result
language plpgsql stable
as $$
declare
  told text := current_setting('quota.counted', true);
  counted quota.counted_usage;
  answer quota.check_result;
begin
  if coalesce(told, '') in ('', 'asked') then
    return quota.decide(p_user, p_service, p_model, p_tells_meters => false);
  end if;
  counted := told;
  answer.used := counted.used;
  answer."limit" := counted.limit_quantity;
  answer.remaining := counted.limit_quantity - counted.used;
  answer.state := 'ok';
  answer.cost := counted.cost;
  answer.runs_out_at := to_timestamp(counted.runs_out_at::float8);
  return answer;
end $$;
comment on function quota.left_after(uuid, text, text) is
  'What is left after the call that was logged a moment ago, in the fields that quota.record answers: as '
  'quota.count_call told in quota.counted, which was "asked" before; else as quota.decide says.';
