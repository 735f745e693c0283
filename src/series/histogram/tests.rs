use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn linear() -> Layout {
    Layout::linear(10.0, 1.0, 1e-15).expect("a layout")
}

fn hours(n: i64) -> Timestamp {
    Timestamp::from_secs(n * 3600)
}

#[test]
fn a_sample_counts_half_as_much_as_one_that_is_a_half_life_newer() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    histogram.add(1.0, 1.0, hours(10));
    histogram.add(5.0, 1.0, hours(8)); // older than the reference
    assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(1, 1.0), (5, 0.25)]);
    assert_eq!([0.8, 0.81].map(|p| histogram.percentile(p)), [2.0, 6.0]);
}

#[test]
fn the_reference_moves_only_after_a_hundred_half_lives_and_to_the_nearest_multiple() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    let half_past = Timestamp::from_secs(1800);
    histogram.add(1.0, 1.0, half_past);
    assert_eq!(histogram.reference(), Some(hours(1)), "halves go up");
    histogram.add(2.0, 1.0, hours(101));
    assert_eq!(histogram.reference(), Some(hours(1)), "equal is not beyond");
    histogram.add(3.0, 1.0, hours(102));
    assert_eq!(histogram.reference(), Some(hours(102)));
    // 0.5^101.5 is far below the epsilon of a bucket, but it is still there.
    let weights: Vec<_> = histogram.buckets().collect();
    assert_eq!(weights[0], (1, libm::exp2(-101.5)));
    assert_eq!(weights[1..], [(2, 0.5), (3, 1.0)]);
    assert_eq!(histogram.percentile(0.0), 3.0, "the first bucket counts as empty by now");
}

#[test]
fn half_lives_are_counted_from_year_one_so_that_two_histograms_share_their_references() {
    // 1970-01-01 was a Thursday, and year 1 began with a Monday: the nearest one is that before.
    let week = Duration::from_secs(604_800);
    let mut histogram = Histogram::decaying(linear(), week).expect("a half-life");
    histogram.add(1.0, 1.0, Timestamp::from_secs(0));
    assert_eq!(histogram.reference(), Some(hours(-72)));
}

#[test]
fn what_is_no_number_of_this_world_is_refused_and_changes_nothing() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    histogram.add(1.0, 1.0, hours(0));
    let before = histogram.clone();
    for (value, weight) in [
        (f64::NAN, 1.0),
        (f64::INFINITY, 1.0),
        (1.0, f64::NAN),
        (1.0, -1.0),
        (1.0, f64::INFINITY),
        (1.0, f64::MAX),
    ] {
        // 90 half-lives on, the heaviest weight is beyond the range of numbers.
        assert!(!histogram.add(value, weight, hours(90)), "{value} by {weight}");
        assert_eq!(histogram, before);
    }
    assert!(!histogram.subtract(1.0, -1.0, hours(0)));
    for (value, bucket) in [(-5.0, 0), (1e300, 10)] {
        assert_eq!(linear().find(value), bucket);
    }
}

#[test]
fn any_times_and_weights_leave_finite_weights() {
    let mut histogram = Histogram::decaying(linear(), Duration::from_millis(1)).expect("one");
    for millis in [i64::MAX, i64::MIN, 0, i64::MAX, -1] {
        histogram.add(3.0, 1e300, Timestamp::from_millis(millis));
        histogram.subtract(3.0, 1.0, Timestamp::from_millis(millis));
    }
    assert!(histogram.total_weight().is_finite());
    assert!(histogram.buckets().all(|(_, weight)| weight.is_finite()));
}

#[test]
fn histograms_of_another_layout_or_half_life_are_not_merged() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    let other = Layout::linear(10.0, 2.0, 1e-15).expect("a layout");
    for other in [Histogram::new(linear()), Histogram::new(other)] {
        assert!(histogram.merge(&other).is_err());
    }
}

#[test]
fn a_merge_is_as_if_one_had_seen_all_whichever_reference_is_the_later() {
    let filled = |samples: &[(f64, i64)]| {
        let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
        for &(value, hour) in samples {
            histogram.add(value, 1.0, hours(hour));
        }
        histogram
    };
    let (early, late) = ([(1.0, 10), (2.0, 11)], [(2.0, 12), (3.0, 13)]);
    for (one, two) in [(early, late), (late, early)] {
        let mut merged = filled(&one);
        merged.merge(&filled(&two)).expect("of one kind");
        assert_eq!(merged.reference(), Some(hours(12)));
        let weights: Vec<_> = merged.buckets().collect();
        assert_eq!(weights, [(1, 0.25), (2, 1.5), (3, 2.0)]);
    }
}

#[test]
fn a_snapshot_goes_on_as_the_histogram_does() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    for step in 0..400 {
        let text = serde_json::to_string(&histogram).expect("a snapshot");
        let mut restored: Histogram = serde_json::from_str(&text).expect("its own snapshot");
        let (value, at) = (f64::from(step * 7 % 13) / 1.3, hours(i64::from(step) * 3));
        for twin in [&mut histogram, &mut restored] {
            twin.add(value, 0.1 * f64::from(step % 5), at);
            twin.subtract(value, 0.1, at);
        }
        assert_eq!(restored, histogram, "step {step}");
    }
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let layout = r#""layout":{"kind":"linear","max_value":9,"bucket_size":1,"epsilon":1e-15}"#;
    let is_read =
        |rest: &str| serde_json::from_str::<Histogram>(&format!("{{{layout},{rest}}}")).is_ok();
    assert!(is_read(r#""total":1,"weights":[[9,1]]"#));
    for rest in [
        r#""total":1,"weights":[[10,1]]"#,
        r#""total":1,"weights":[[-1,1]]"#,
        r#""total":1,"weights":[[1,-1]]"#,
        r#""total":-1,"weights":[]"#,
        r#""total":1,"weights":[],"decay":{"half_life":0}"#,
    ] {
        assert!(!is_read(rest), "{rest}");
    }
    let huge = r#"{"kind":"linear","max_value":1e12,"bucket_size":1,"epsilon":1e-15}"#;
    let error = serde_json::from_str::<Layout>(huge).expect_err("too many").to_string();
    assert!(error.contains("takes 1000000000001 buckets, must be at most 1048576"), "{error}");
}

#[test]
fn each_mistake_in_a_layout_is_named() {
    let exponential = |max, first, ratio, epsilon| {
        let layout = Layout::exponential(max, first, ratio, epsilon);
        layout.map_err(|error| error.path().to_owned())
    };
    for (layout, want) in [
        (exponential(0.0, 1.0, 1.5, 1.0), "max_value"),
        (exponential(9.0, -1.0, 1.5, 1.0), "first_bucket_size"),
        (exponential(9.0, 1.0, 1.0, 1.0), "ratio"),
        (exponential(9.0, 1.0, f64::NAN, 1.0), "ratio"),
        (exponential(9.0, 1.0, 1.5, 0.0), "epsilon"),
        (exponential(f64::INFINITY, 1.0, 1.5, 1.0), "max_value"),
    ] {
        assert_eq!(layout, Err(want.to_owned()));
    }
}

#[test]
fn a_checkpoint_reads_and_writes_as_kubernetes_does() {
    let mut histogram = Histogram::decaying(linear(), HOUR).expect("a half-life");
    histogram.add(2.0, 1.0, Timestamp::from_secs(1_234_929_600));
    let text = serde_json::to_string(&histogram.save_checkpoint()).expect("a checkpoint");
    assert_eq!(
        text,
        r#"{"referenceTimestamp":"2009-02-18T04:00:00Z","bucketWeights":{"2":10000},"totalWeight":1.0}"#
    );
    let read: HistogramCheckpoint = serde_json::from_str(&text).expect("its own checkpoint");
    assert_eq!(read, histogram.save_checkpoint());
    let empty: HistogramCheckpoint =
        serde_json::from_str(r#"{"referenceTimestamp":null}"#).expect("an empty one");
    assert_eq!(empty, HistogramCheckpoint::default());
}

#[test]
fn a_checkpoint_that_is_refused_changes_nothing() {
    let mut histogram = Histogram::new(linear());
    histogram.add(2.0, 1.0, hours(0));
    let before = histogram.clone();
    for (total_weight, bucket) in
        [(-1.0, 3), (f64::NAN, 3), (f64::INFINITY, 3), (1.0, 11), (1.0, -1)]
    {
        let bucket_weights = [(3, 1), (bucket, 1)].into();
        let checkpoint = HistogramCheckpoint { total_weight, bucket_weights, reference: None };
        assert!(histogram.load_checkpoint(&checkpoint).is_err(), "{checkpoint:?}");
        assert_eq!(histogram, before);
    }
}
