//! A device that is lost: the driver takes it away before a call and on the way.

use crate::Timestamp;
use crate::forecast::testing::{MINUTE, daily};
use crate::forecast::{ForecasterConfig, On, Panel, PanelForecast, forecast_panel_on};
use crate::gpu::{Choice, Device};
use crate::testing::adapter;

const QUANTILES: [f64; 2] = [0.5, 0.95];

fn batch() -> ForecasterConfig {
    let text = r#"{"kind": "batch", "seasons": ["1h"]}"#;
    ForecasterConfig::from_text(text).expect("settings")
}

fn panel(values: &[f64], n_series: usize) -> Panel<'_> {
    Panel { values, n_series, start: Timestamp::from_secs(0), step: MINUTE }
}

#[test]
fn a_lost_device_is_opened_anew() {
    let Some(choice) = adapter() else { return };
    // A choice of its own, so that no other test loses its device.
    let choice = Choice { most_bytes: Some(1 << 24), ..choice };
    let values = daily(5 * 300, 0.4, 0.2, 3);
    let on = On { device: Device::Gpu, choice: choice.clone(), ..On::default() };
    let ask = || {
        let panel = panel(&values, 5);
        forecast_panel_on(&batch(), &panel, 12, &QUANTILES, &on).expect("in range")
    };
    let before = ask();
    crate::gpu::device::open(&choice).expect("it is open").lose();
    let after = ask();
    let device_seconds = after.device_seconds;
    assert_ne!(after.device, "cpu");
    assert_eq!(after, PanelForecast { device_seconds, ..before });
}

#[test]
fn a_device_lost_on_the_way_gives_the_right_numbers() {
    let Some(choice) = adapter() else { return };
    let choice = Choice { most_bytes: Some(4 * 1100 * 6), ..choice };
    let values = daily(60 * 400, 0.4, 0.2, 3);
    let panel = panel(&values, 60);
    let cores = On { device: Device::Cpu, ..On::default() };
    let whole = forecast_panel_on(&batch(), &panel, 12, &QUANTILES, &cores).expect("in range");
    // Each look whether to go on takes the device away: the second try is lost too.
    let gone = || {
        if let Ok(gpu) = crate::gpu::device::open(&choice) {
            gpu.lose();
        }
        true
    };
    let on = On { device: Device::Gpu, choice: choice.clone(), go_on: &gone };
    let answer = forecast_panel_on(&batch(), &panel, 12, &QUANTILES, &on).expect("the processor");
    assert_eq!((answer.device.as_str(), answer.values), ("cpu", whole.values));
}
