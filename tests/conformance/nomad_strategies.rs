//! The strategies of the Nomad autoscaler, answered by the library's public types alone.
//!
//! In: an operation and its input as `nomad_strategies_*.json` describes them. Out: the answer as
//! JSON. Converts and composes; every number comes from the library.

use forescale::Error;
use forescale::policy::strategies::winner::{Direction, pick_winner, preempt};
use forescale::policy::strategies::{
    Action, Outcome, Texts, cap_count, cooldown_for, cooldown_left, fixed_value, on_error,
    pass_through, target_value, threshold,
};
use serde_json::{Value, json};

use crate::input::{integer, list, optional_integer, real, text};

/// The library's answer to one operation; `None` if the operation is not known.
pub(crate) fn answer(op: &str, input: &Value) -> Option<Value> {
    Some(match op {
        "fixed_value" => {
            let settings = fixed_value::Settings::from_texts(&texts(input));
            told(settings.map(|settings| Some(settings.action(integer(&input["count"])))))
        }
        "pass_through" => strategy(input, pass_through::run),
        "target_value" => strategy(input, target_value::run),
        "threshold" => strategy(input, threshold::run),
        "cap_count" => {
            let [count, min, max] = ["count", "min", "max"].map(|field| integer(&input[field]));
            let (count, capped) = cap_count(count, min, max);
            json!({ "count": whole(count), "capped": capped })
        }
        "preempt" => json!({ "winner": shown(preempt(action(&input["a"]), action(&input["b"]))) }),
        "pick_winner" => {
            let groups: Vec<_> = list(&input["groups"])
                .iter()
                .map(|group| {
                    let results = list(&group["results"]).iter();
                    let actions: Vec<_> =
                        results.map(|result| (!result.is_null()).then(|| action(result))).collect();
                    (text(&group["name"]), actions)
                })
                .collect();
            let winner = pick_winner(groups.iter().map(|(name, of)| (*name, of.as_slice())));
            json!({ "winner": winner.map(shown) })
        }
        "needed" => json!({ "needed": action(input).needed(integer(&input["current"])) }),
        "cooldown_left" => {
            let [cooldown, since] =
                ["cooldown_s", "since_last_event_s"].map(|field| real(&input[field]));
            json!({ "remaining_s": cooldown_left(cooldown, since) })
        }
        "cooldown_for" => {
            let [general, up] = ["cooldown_s", "cooldown_up_s"].map(|field| real(&input[field]));
            json!({ "cooldown_s": cooldown_for(direction(input), general, up) })
        }
        "on_error" => {
            let failed = input["check_failed"].as_bool().unwrap_or_else(|| panic!("{input}"));
            let own = input["check_on_error"].as_str().unwrap_or_default();
            let policy = input["policy_on_check_error"].as_str().unwrap_or_default();
            let outcome = match on_error(failed, own, policy) {
                Outcome::UseResult => "use_result",
                Outcome::SkipCheck => "skip_check",
                Outcome::Abort => "abort",
            };
            json!({ "outcome": outcome })
        }
        _ => return None,
    })
}

type Run = fn(&Texts, i64, &[f64]) -> Result<Option<Action>, Error>;

fn strategy(input: &Value, run: Run) -> Value {
    let points: Vec<_> = list(&input["metrics"]).iter().map(real).collect();
    told(run(&texts(input), integer(&input["count"]), &points))
}

fn told(result: Result<Option<Action>, Error>) -> Value {
    match result {
        Ok(Some(action)) => shown(action),
        Ok(None) => json!({ "no_result": true }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn texts(input: &Value) -> Texts {
    let Some(config) = input["config"].as_object() else { return Texts::new() };
    config.iter().map(|(key, value)| (key.clone(), text(value).to_owned())).collect()
}

/// A count that is not shown is 0.
fn action(shown: &Value) -> Action {
    let count = optional_integer(&shown["count"]).unwrap_or_default();
    Action { direction: direction(shown), count }
}

fn direction(shown: &Value) -> Direction {
    let name = text(&shown["direction"]);
    Direction::from_name(name).unwrap_or_else(|| panic!("{name} is no direction"))
}

fn shown(Action { direction, count }: Action) -> Value {
    json!({ "direction": direction.as_str(), "count": whole(count) })
}

/// Integers beyond 2^53 are written as texts.
fn whole(count: i64) -> Value {
    if count.unsigned_abs() > 1 << 53 { count.to_string().into() } else { count.into() }
}
