//! Traces for an OpenTelemetry collector: what becomes of a request, by its span.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use crate::config::Telemetry;

/// Sends what is traced, until it is told to stop.
pub(super) struct Otlp {
    provider: SdkTracerProvider,
}

impl Otlp {
    /// Spans go to `telemetry.otlp_endpoint` by HTTP in protobuf, from a thread of their own; nobody waits for them.
    /// A collector that wants a password is told it by `OTEL_EXPORTER_OTLP_HEADERS`.
    pub(super) fn start(config: &Telemetry) -> Result<Self, ExporterBuildError> {
        let endpoint = config.otlp_endpoint.trim_end_matches('/');
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()?;
        let resource = Resource::builder()
            .with_service_name("calls")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampled = Sampler::TraceIdRatioBased(config.otlp_sample);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(sampled)))
            .with_resource(resource)
            .build();
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Self { provider })
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("calls")
    }

    /// What is still to be sent goes now, if the collector takes it.
    pub(super) fn stop(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "the last traces were not taken");
        }
    }
}
