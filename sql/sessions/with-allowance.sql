create or replace function quota.with_allowance(
  result quota.record_result, p_user uuid, p_service text, p_model text)
returns quota.record_result
language plpgsql stable
as $$
declare
  answer quota.check_result := quota.decide(p_user, p_service, p_model,
    p_tells_meters => false);
begin
  result.used := answer.used;
  result."limit" := answer."limit";
  result.remaining := answer.remaining;
  result.state := answer.state;
  result.action := answer.action;
  result.cost := answer.cost;
  result.cost_limit := answer.cost_limit;
  result.runs_out_at := answer.runs_out_at;
  return result;
end $$;
comment on function quota.with_allowance(quota.record_result, uuid, text, text) is
  'The answer to a record or an end with what is left after it.';
