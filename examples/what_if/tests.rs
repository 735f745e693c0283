#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use super::*;

/// A folder of a test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("forescale-what-if-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn arguments(folder: &Folder, manifest: Option<PathBuf>) -> Arguments {
    Arguments {
        manifest,
        history: Vec::new(),
        replicas: Vec::new(),
        name: None,
        load_per_replica: None,
        metric: None,
        plant: None,
        out: folder.path("page.html"),
    }
}

#[test]
fn for_show_the_replay_follows_the_record_and_a_forecast_saves() {
    let folder = Folder::new("show");
    let told = what_if(&arguments(&folder, None)).unwrap();
    assert!(told.contains("spec.behavior.scaleDown.policies[0].value = 20"), "{told}");
    assert!(told.contains("with that the first half of the replay comes closest"), "{told}");
    let (_, rest) = told.split_once("off by one at most in ").unwrap();
    let within_one: f64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(within_one > 80.0, "{told}");
    assert!(!told.contains("That is far off"), "{told}");
    let cost = |name: &str| -> f64 {
        let row = told.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        row.trim_start()[name.len()..].split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(cost("with a forecast, target 0.85") < 0.9 * cost("shop/web as it is"), "{told}");

    let page = std::fs::read_to_string(folder.path("page.html")).unwrap();
    assert!(page.contains("those that really ran") && page.contains("changes of size, and why"));
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

/// Load in two answers of Prometheus, replicas as CSV, a manifest on the load itself.
#[test]
fn files_of_both_formats_are_read() {
    let folder = Folder::new("files");
    let manifest = folder.write(
        "hpa.yaml",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 2
  maxReplicas: 20
  metrics:
    - type: External
      external: { metric: { name: rps }, target: { type: AverageValue, averageValue: '50' } }
",
    );
    let load = |minute: i64| 300.0 + 200.0 * ((minute % 360) as f64 / 360.0 - 0.5);
    let answer = |minutes: std::ops::Range<i64>| {
        let values: Vec<_> =
            minutes.map(|minute| format!("[{},\"{}\"]", minute * 60, load(minute))).collect();
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{}]}}]}}}}"#,
            values.join(",")
        )
    };
    let mut given = arguments(&folder, Some(manifest));
    given.history =
        vec![folder.write("b.json", &answer(720..1440)), folder.write("a.json", &answer(0..720))];
    let told = what_if(&given).unwrap();
    assert!(told.contains("No replicas were recorded"), "{told}");
    assert!(told.contains("a replica is taken to carry"), "{told}");

    let rows: String = (960..1440)
        .map(|minute| format!("{},{}\n", minute * 60, (load(minute) / 50.0).ceil()))
        .collect();
    given.replicas = vec![folder.write("replicas.csv", &format!("timestamp,value\n{rows}"))];
    given.load_per_replica = Some(70.0);
    let told = what_if(&given).unwrap();
    assert!(told.contains("a replica carries 70.0, as given"), "{told}");
    assert!(told.contains("the replay of the manifest has the recorded size in"), "{told}");

    let refused = |given: &Arguments, want: &str| {
        let message = what_if(given).unwrap_err();
        assert!(message.contains(want), "{message}");
    };
    given.replicas = vec![folder.write("late.csv", "timestamp,value\n9000000,3\n9000060,4\n")];
    refused(&given, "recorded replicas");
    given.replicas = Vec::new();
    given.name = Some("api".to_owned());
    refused(&given, "choose a workload with --name, one of [\"web\"]");
    given.name = None;
    given.history.push(folder.write("load.csv", "timestamp,value\n"));
    refused(&given, "3 files of which one is no .json");
    given.history = Vec::new();
    refused(&given, "needs --history");
    given.history = vec![folder.path("none.json")];
    refused(&given, "none.json");
    given.manifest = Some(folder.write("cut.yaml", "kind: HorizontalPodAutoscaler\nspec: {"));
    refused(&given, "cut.yaml");
}

/// Ten hours of a load that rises and falls, at a minute; the replicas that ran carried 40 each.
fn recorded(folder: &Folder, manifest: &str) -> Arguments {
    let load = |minute: i64| 400.0 + 300.0 * ((minute % 240) as f64 / 120.0 - 1.0).abs();
    let rows = |value: &dyn Fn(i64) -> f64| {
        let rows = (0..1440).map(|minute| format!("{},{}\n", minute * 60, value(minute)));
        format!("timestamp,value\n{}", rows.collect::<String>())
    };
    let mut given = arguments(folder, Some(folder.write("hpa.yaml", manifest)));
    given.history = vec![folder.write("load.csv", &rows(&load))];
    let ran = |minute| (load(minute) / 40.0).ceil();
    given.replicas = vec![folder.write("replicas.csv", &rows(&ran))];
    given
}

/// The memory that the history does not tell must not keep the replay from lowering.
#[test]
fn policies_on_what_the_history_does_not_tell_are_left_out() {
    let folder = Folder::new("unseen");
    let manifest = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  maxReplicas: 40
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: 60 } }
    - type: Resource
      resource: { name: memory, target: { type: Utilization, averageUtilization: 80 } }
";
    let told = what_if(&recorded(&folder, manifest)).unwrap();
    assert!(told.contains("tells nothing of [\"memory\"], so the policies on them"), "{told}");
    let (_, rest) = told.split_once("by one at most in ").unwrap();
    let within_one: f64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(within_one > 60.0, "{told}");
}

/// A law on the load itself replays the same whatever a replica carries, so nothing can be fitted.
#[test]
fn no_load_per_replica_is_said_to_be_fitted_where_none_can_be() {
    let folder = Folder::new("typical");
    let manifest = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  maxReplicas: 40
  metrics:
    - type: Pods
      pods: { metric: { name: memory }, target: { type: AverageValue, averageValue: '30' } }
    - type: External
      external: { metric: { name: rps }, target: { type: AverageValue, averageValue: '40' } }
";
    let mut given = recorded(&folder, manifest);
    let told = what_if(&given).unwrap();
    assert!(told.contains("shown to it as \"rps\" (the sum of the series of rps"), "{told}");
    assert!(!told.contains("comes closest"), "{told}");
    assert!(told.contains("the record cannot tell"), "{told}");
    given.metric = Some("memory".to_owned());
    assert!(what_if(&given).unwrap().contains("shown to it as \"memory\" (memory of each"));
    given.metric = Some("cpu".to_owned());
    let message = what_if(&given).unwrap_err();
    assert!(message.ends_with("the manifest knows: [\"rps\", \"memory\"]"), "{message}");
    given.metric = None;
    for wrong in [f64::NAN, -3.0, f64::INFINITY] {
        given.load_per_replica = Some(wrong);
        let message = what_if(&given).unwrap_err();
        assert!(message.contains(&format!("--load-per-replica is {wrong}, must")), "{message}");
    }
}
