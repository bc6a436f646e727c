//! The meter of a pod.

use jiff::Timestamp;
use neuropod_core::Money;
use neuropod_core::money::billing::Period;
use neuropod_core::money::meter::{HoldState, Meter, PendingCharge, Price};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeterShape {
    hold: u64,
    reservation: HoldState,
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    long: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phase: Option<Timestamp>,
    #[serde(default)]
    due: Option<PendingShape>,
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

/// A pending charge. Fields have the names of the first versions.
#[derive(Serialize, Deserialize)]
struct PendingShape {
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
            hold_number,
            hold_state,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            is_long,
            phase,
            pending,
            draws,
            remaining,
            capped,
            charged_until,
            seen_at,
        } = meter;
        Self {
            hold: hold_number,
            reservation: hold_state,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            long: is_long,
            phase,
            due: pending.map(Into::into),
            draws,
            left: remaining,
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
            long,
            phase,
            due,
            draws,
            left,
            capped,
            charged_until,
            seen_at,
        } = shape;
        Self {
            hold_number: hold,
            hold_state: reservation,
            price,
            container,
            started_at,
            charged_seconds,
            from,
            volume_from,
            is_long: long,
            phase,
            pending: due.map(Into::into),
            draws,
            remaining: left,
            capped,
            charged_until,
            seen_at,
        }
    }
}

impl From<PendingCharge> for PendingShape {
    fn from(charge: PendingCharge) -> Self {
        let PendingCharge {
            period: Period { from, until },
            amount,
            hourly,
            version,
            from_hold,
        } = charge;
        Self {
            from,
            until,
            amount,
            hourly,
            version,
            reserved: from_hold,
        }
    }
}

impl From<PendingShape> for PendingCharge {
    fn from(shape: PendingShape) -> Self {
        let PendingShape {
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
            from_hold: reserved,
        }
    }
}
