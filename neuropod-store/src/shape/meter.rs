//! The meter of a pod.

use jiff::Timestamp;
use neuropod_core::Money;
use neuropod_core::money::billing::Period;
use neuropod_core::money::meter::{Due, Meter, Price, Reservation};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeterShape {
    hold: u64,
    reservation: Reservation,
    price: Price,
    #[serde(default)]
    container: Option<String>,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    charged_seconds: i64,
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    volume_from: Option<Timestamp>,
    #[serde(default)]
    due: Option<DueShape>,
    draws: u64,
    #[serde(default)]
    left: Option<Money>,
    #[serde(default)]
    capped: bool,
    #[serde(default)]
    charged_until: Option<Timestamp>,
    #[serde(default)]
    seen_at: Option<Timestamp>,
}

/// A period that has to be charged.
#[derive(Serialize, Deserialize)]
struct DueShape {
    from: Timestamp,
    until: Timestamp,
    amount: Money,
    hourly: Money,
    version: u64,
    reserved: bool,
}

impl From<Meter> for MeterShape {
    fn from(meter: Meter) -> Self {
        let Meter {
            hold,
            reservation,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            due,
            draws,
            left,
            capped,
            charged_until,
            seen_at,
        } = meter;
        Self {
            hold,
            reservation,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            due: due.map(Into::into),
            draws,
            left,
            capped,
            charged_until,
            seen_at,
        }
    }
}

impl From<MeterShape> for Meter {
    fn from(shape: MeterShape) -> Self {
        let MeterShape {
            hold,
            reservation,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            due,
            draws,
            left,
            capped,
            charged_until,
            seen_at,
        } = shape;
        Self {
            hold,
            reservation,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            due: due.map(Into::into),
            draws,
            left,
            capped,
            charged_until,
            seen_at,
        }
    }
}

impl From<Due> for DueShape {
    fn from(due: Due) -> Self {
        let Due {
            period: Period { from, until },
            amount,
            hourly,
            version,
            reserved,
        } = due;
        Self {
            from,
            until,
            amount,
            hourly,
            version,
            reserved,
        }
    }
}

impl From<DueShape> for Due {
    fn from(shape: DueShape) -> Self {
        let DueShape {
            from,
            until,
            amount,
            hourly,
            version,
            reserved,
        } = shape;
        Self {
            period: Period { from, until },
            amount,
            hourly,
            version,
            reserved,
        }
    }
}
