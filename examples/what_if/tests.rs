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
    assert!(told.contains("The replay of the manifest has the recorded size in"), "{told}");

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
