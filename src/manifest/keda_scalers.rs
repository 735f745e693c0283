//! Where KEDA's scalers keep their target and their activation value.
//!
//! In: a scaler's type. Out: the names of its metadata, and its target where none is given. As
//! KEDA's documentation of the scalers, 2.20. Knows nothing else of a scaler.

/// What a scaler type calls things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaler {
    /// Names of the target, the first one present counts.
    pub(super) targets: &'static [&'static str],
    /// Names of the activation value.
    pub(super) activations: &'static [&'static str],
    /// The target where none is given.
    pub(super) default: Option<f64>,
}

/// The scaler of a type; of one that is not in the list, every usual name is tried.
pub(super) fn scaler(kind: &str) -> Scaler {
    let known = KNOWN.iter().find(|(name, ..)| *name == kind);
    match known {
        Some(&(_, targets, activations, default)) => Scaler { targets, activations, default },
        None => Scaler { targets: USUAL_TARGETS, activations: USUAL_ACTIVATIONS, default: None },
    }
}

type Known = (&'static str, &'static [&'static str], &'static [&'static str], Option<f64>);

const KNOWN: &[Known] = &[
    ("activemq", &["targetQueueSize"], &["activationTargetQueueSize"], Some(10.0)),
    ("apache-kafka", &["lagThreshold"], &["activationLagThreshold"], Some(10.0)),
    ("arangodb", &["queryValue"], &["activationQueryValue"], None),
    ("artemis-queue", &["queueLength"], &["activationQueueLength"], Some(10.0)),
    ("aws-cloudwatch", &["targetMetricValue"], &["activationTargetMetricValue"], None),
    ("aws-dynamodb", &["targetValue"], &["activationTargetValue"], None),
    ("aws-dynamodb-streams", &["shardCount"], &["activationShardCount"], Some(2.0)),
    ("aws-kinesis-stream", &["shardCount"], &["activationShardCount"], Some(2.0)),
    ("aws-sqs-queue", &["queueLength"], &["activationQueueLength"], Some(5.0)),
    ("azure-app-insights", &["targetValue"], &["activationTargetValue"], None),
    ("azure-blob", &["blobCount"], &["activationBlobCount"], Some(5.0)),
    ("azure-data-explorer", &["threshold"], &["activationThreshold"], None),
    (
        "azure-eventhub",
        &["unprocessedEventThreshold"],
        &["activationUnprocessedEventThreshold"],
        Some(64.0),
    ),
    ("azure-log-analytics", &["threshold"], &["activationThreshold"], None),
    ("azure-monitor", &["targetValue"], &["activationTargetValue"], None),
    (
        "azure-pipelines",
        &["targetPipelinesQueueLength"],
        &["activationTargetPipelinesQueueLength"],
        Some(1.0),
    ),
    ("azure-queue", &["queueLength"], &["activationQueueLength"], Some(5.0)),
    ("azure-servicebus", &["messageCount"], &["activationMessageCount"], Some(5.0)),
    ("beanstalkd", &["value"], &["activationValue"], None),
    ("cassandra", &["targetQueryValue"], &["activationTargetQueryValue"], None),
    ("couchdb", &["queryValue"], &["activationQueryValue"], None),
    ("datadog", &["queryValue", "targetValue"], &["activationQueryValue"], None),
    ("dynatrace", &["threshold"], &["activationThreshold"], None),
    ("elasticsearch", &["targetValue"], &["activationTargetValue"], None),
    ("etcd", &["value"], &["activationValue"], None),
    ("gcp-cloudtasks", &["value"], &["activationValue"], Some(100.0)),
    ("gcp-pubsub", &["value", "subscriptionSize"], &["activationValue"], Some(10.0)),
    ("gcp-stackdriver", &["targetValue"], &["activationTargetValue"], Some(5.0)),
    ("gcp-storage", &["targetObjectCount"], &["activationTargetObjectCount"], Some(100.0)),
    (
        "github-runner",
        &["targetWorkflowQueueLength"],
        &["activationTargetWorkflowQueueLength"],
        Some(1.0),
    ),
    ("graphite", &["threshold"], &["activationThreshold"], None),
    ("huawei-cloudeye", &["targetMetricValue"], &["activationTargetMetricValue"], None),
    ("ibmmq", &["queueDepth"], &["activationQueueDepth"], Some(20.0)),
    ("influxdb", &["thresholdValue"], &["activationThresholdValue"], None),
    ("kafka", &["lagThreshold"], &["activationLagThreshold"], Some(10.0)),
    ("kubernetes-workload", &["value"], &["activationValue"], None),
    ("liiklus", &["lagThreshold"], &["activationLagThreshold"], Some(10.0)),
    ("loki", &["threshold"], &["activationThreshold"], None),
    ("metrics-api", &["targetValue"], &["activationTargetValue"], None),
    ("mongodb", &["queryValue"], &["activationQueryValue"], None),
    ("mssql", &["targetValue"], &["activationTargetValue"], None),
    ("mysql", &["queryValue"], &["activationQueryValue"], None),
    ("nats-jetstream", &["lagThreshold"], &["activationLagThreshold"], None),
    ("new-relic", &["threshold"], &["activationThreshold"], None),
    ("openstack-metric", &["threshold"], &["activationThreshold"], None),
    ("openstack-swift", &["objectCount"], &["activationObjectCount"], Some(2.0)),
    ("postgresql", &["targetQueryValue"], &["activationTargetQueryValue"], None),
    ("predictkube", &["threshold"], &["activationThreshold"], None),
    ("prometheus", &["threshold"], &["activationThreshold"], None),
    ("pulsar", &["msgBacklogThreshold"], &["activationMsgBacklogThreshold"], Some(10.0)),
    ("rabbitmq", &["value", "queueLength"], &["activationValue"], Some(20.0)),
    ("redis", &["listLength"], &["activationListLength"], Some(5.0)),
    ("redis-cluster", &["listLength"], &["activationListLength"], Some(5.0)),
    ("redis-sentinel", &["listLength"], &["activationListLength"], Some(5.0)),
    (
        "redis-streams",
        &["pendingEntriesCount", "streamLength", "lagCount"],
        &["activationLagCount"],
        Some(5.0),
    ),
    (
        "solace-event-queue",
        &["messageCountTarget", "messageSpoolUsageTarget", "messageReceiveRateTarget"],
        &["activationMessageCountTarget"],
        None,
    ),
    ("splunk", &["targetValue"], &["activationValue"], None),
    ("stan", &["lagThreshold"], &["activationLagThreshold"], Some(10.0)),
    ("temporal", &["targetQueueSize"], &["activationTargetQueueSize"], Some(5.0)),
];

const USUAL_TARGETS: &[&str] = &[
    "threshold",
    "targetValue",
    "value",
    "queueLength",
    "targetQueueLength",
    "lagThreshold",
    "messageCount",
    "queryValue",
    "targetMetricValue",
    "targetQueryValue",
];

const USUAL_ACTIVATIONS: &[&str] = &[
    "activationThreshold",
    "activationTargetValue",
    "activationValue",
    "activationQueueLength",
    "activationLagThreshold",
    "activationMessageCount",
    "activationQueryValue",
];
