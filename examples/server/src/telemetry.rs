//! The log, optional traces for OpenTelemetry, and the signals to stop.

use std::io::IsTerminal;

use anyhow::Result;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::LogFormat;

/// The default filter unless `RUST_LOG` is set. Every failed request to the API server is returned as an error
/// of the library and logged once; the client's own lines would repeat it for each attempt.
const FILTER: &str = "info,kube_client=off,kube_runtime=off";

/// Libraries that log all traffic of connections, including tokens: below `info` their lines are never written,
/// whatever `RUST_LOG` says.
const INDISCREET: [&str; 4] = ["engineioxide", "socketioxide", "tokio_tungstenite", "tungstenite"];

/// Whether a line contains no private data of a connection.
fn is_discreet(line: &Metadata<'_>) -> bool {
    let is_of = |library: &&str| line.target().starts_with(*library);
    *line.level() <= Level::INFO || !INDISCREET.iter().any(is_of)
}

/// Sends the remaining traces when it is dropped.
#[derive(Debug, Default)]
#[must_use]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

/// Starts the log, and traces to the collector in `OTEL_EXPORTER_OTLP_ENDPOINT` (feature `otel`).
///
/// # Errors
/// It was started before, or the collector's address is wrong.
pub fn begin(format: LogFormat) -> Result<Telemetry> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = match format {
        LogFormat::Text => {
            let colours = std::io::stdout().is_terminal();
            fmt::layer().with_target(false).with_ansi(colours).boxed()
        }
        LogFormat::Json => fmt::layer().json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_discreet))
        .with(log);
    #[cfg(feature = "otel")]
    {
        use opentelemetry::trace::TracerProvider;

        let traces = traces()?;
        let layer = traces
            .as_ref()
            .map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("neuropod")));
        subscriber.with(layer).try_init()?;
        Ok(Telemetry { traces })
    }
    #[cfg(not(feature = "otel"))]
    {
        subscriber.try_init()?;
        Ok(Telemetry::default())
    }
}

#[cfg(feature = "otel")]
fn traces() -> Result<Option<opentelemetry_sdk::trace::SdkTracerProvider>> {
    if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_none() {
        return Ok(None);
    }
    crate::tls::use_ring();
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name("neuropod")
        .build();
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter);
    Ok(Some(provider.build()))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        #[cfg(feature = "otel")]
        if let Some(Err(error)) = self
            .traces
            .as_ref()
            .map(opentelemetry_sdk::trace::SdkTracerProvider::shutdown)
        {
            tracing::warn!(%error, "the last traces are lost");
        }
    }
}

/// Completes when the process is asked to stop: by Ctrl-C, or by SIGTERM as from Kubernetes.
pub async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C is not heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "SIGTERM is not heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
