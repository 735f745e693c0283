//! The device of this process: opened once, watched for its loss.
//!
//! In: a [`Choice`]. Out: an open device with its limits, and the little that each kernel needs of it.
//! No call here panics for what a driver does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::MARKS_BYTES;
use super::{Choice, Info, no_adapter};
use crate::Error;

/// What is open, by the choice that led to it.
static OPEN: Mutex<Vec<(Choice, Arc<Gpu>)>> = Mutex::new(Vec::new());

/// A callback whose work is done comes within microseconds; so long is never.
const LONGEST_CALLBACK: std::time::Duration = std::time::Duration::from_secs(10);

/// An open device.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    info: Info,
    /// Set from a callback of the driver.
    is_lost: Arc<AtomicBool>,
    /// The process that opened it: a child that was forked from it must not touch it.
    process: u32,
    /// The kernels as built, by name.
    built: Mutex<Vec<(&'static str, wgpu::ComputePipeline)>>,
}

/// Why a call on the device has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The device is gone; another one may be had.
    Lost,
    /// The driver refuses, and would again.
    Refused(String),
}

impl Failure {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Lost => Error::config("device", "was lost"),
            Self::Refused(why) => Error::config("device", format!("refuses its work: {why}")),
        }
    }
}

/// The device that the choice leads to; opened by the first call.
///
/// # Errors
/// If there is no such adapter, or the process was forked after another call had opened it.
pub(crate) fn open(choice: &Choice) -> Result<Arc<Gpu>, Error> {
    let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, gpu)) = all.iter().find(|(known, _)| known == choice) {
        if gpu.process != std::process::id() {
            let message = "is \"gpu\", but this process was forked from one that had opened it; start \
                           it anew (in Python: multiprocessing's \"spawn\")";
            return Err(Error::config("device", message));
        }
        if !gpu.is_lost() {
            return Ok(Arc::clone(gpu));
        }
    }
    all.retain(|(known, _)| known != choice);
    let gpu = Arc::new(pollster::block_on(opened(choice))?);
    all.push((choice.clone(), Arc::clone(&gpu)));
    Ok(gpu)
}

async fn opened(choice: &Choice) -> Result<Gpu, Error> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty();
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = instance.enumerate_adapters(backends).await;
    let is_meant = |info: &wgpu::AdapterInfo| {
        let name = |name: &String| info.name.to_lowercase().contains(&name.to_lowercase());
        choice.name.as_ref().is_none_or(name)
    };
    let names: Vec<_> = adapters.iter().map(|adapter| adapter.get_info()).collect();
    let adapter = adapters
        .into_iter()
        .filter(|adapter| is_meant(&adapter.get_info()))
        .filter_map(|adapter| Some((rank(adapter.get_info().device_type, choice)?, adapter)))
        .min_by_key(|(rank, _)| *rank);
    let Some((_, adapter)) = adapter else {
        let there = |info: &wgpu::AdapterInfo| format!("{} ({:?})", info.name, info.device_type);
        let there: Vec<_> = names.iter().map(there).collect();
        let why = if there.is_empty() {
            "no driver answers; on Linux it takes the Vulkan loader (libvulkan.so.1) and the card's \
             driver"
                .to_owned()
        } else {
            format!("there is {}, of which none was asked for", there.join(", "))
        };
        return Err(no_adapter(&why));
    };

    let mut limits = adapter.limits();
    if let Some(most) = choice.most_bytes {
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(most);
        limits.max_buffer_size = limits.max_buffer_size.min(most);
    }
    let features = adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
    let asked = wgpu::DeviceDescriptor {
        label: Some("forescale"),
        required_features: features,
        required_limits: limits.clone(),
        ..Default::default()
    };
    let (device, queue) = adapter
        .request_device(&asked)
        .await
        .map_err(|error| no_adapter(&format!("{} refuses: {error}", adapter.get_info().name)))?;
    let is_lost = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_lost);
    device.set_device_lost_callback(move |_, _| told.store(true, Ordering::Release));
    // The default handler panics. What is not caught by a scope is lost memory or a lost device.
    let told = Arc::clone(&is_lost);
    device.on_uncaptured_error(Arc::new(move |_| told.store(true, Ordering::Release)));
    let info = described(&adapter.get_info(), &limits, !features.is_empty());
    let process = std::process::id();
    Ok(Gpu { device, queue, info, is_lost, process, built: Mutex::default() })
}

/// The lower the better; `None` for what was not asked for.
fn rank(kind: wgpu::DeviceType, choice: &Choice) -> Option<u8> {
    match kind {
        wgpu::DeviceType::DiscreteGpu => Some(0),
        wgpu::DeviceType::IntegratedGpu => Some(1),
        wgpu::DeviceType::VirtualGpu => Some(2),
        wgpu::DeviceType::Other => choice.name.is_some().then_some(3),
        wgpu::DeviceType::Cpu => choice.allow_software.then_some(4),
    }
}

fn described(info: &wgpu::AdapterInfo, limits: &wgpu::Limits, has_timestamps: bool) -> Info {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "cpu",
        wgpu::DeviceType::Other => "other",
    };
    Info {
        adapter: info.name.clone(),
        kind: kind.to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        backend: info.backend.to_string(),
        max_binding_bytes: limits.max_storage_buffer_binding_size,
        max_buffer_bytes: limits.max_buffer_size,
        max_invocations: limits.max_compute_invocations_per_workgroup,
        has_timestamps,
    }
}

impl Gpu {
    pub(crate) fn info(&self) -> &Info {
        &self.info
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Whether it is more than the processor in disguise.
    pub(crate) fn is_hardware(&self) -> bool {
        self.info.kind != "cpu"
    }

    /// The longest piece of memory in bytes; an answer has the marks of the clock before it.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.info.max_binding_bytes.min(self.info.max_buffer_bytes).saturating_sub(MARKS_BYTES)
    }

    /// Whatever the driver says of it, it is not to be taken once more.
    fn lost(&self) -> Failure {
        self.is_lost.store(true, Ordering::Release);
        Failure::Lost
    }

    /// Gives the device up, as a driver that fails does.
    #[cfg(test)]
    pub(crate) fn lose(&self) {
        self.device.destroy();
        let _ = self.device.poll(wgpu::PollType::Poll);
    }

    /// Does what may be refused, and says if it was.
    pub(super) fn checked<T>(&self, what: impl FnOnce() -> T) -> Result<T, Failure> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let inner = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = what();
        let told = [validation, inner, memory].map(|scope| pollster::block_on(scope.pop()));
        let error = told.into_iter().flatten().next();
        if error.is_some() {
            // What was on its way when the device went is told of first.
            let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        }
        if self.is_lost() {
            return Err(Failure::Lost);
        }
        match error {
            None => Ok(made),
            Some(error) => Err(Failure::Refused(error.to_string())),
        }
    }

    /// The kernel of that name, built by the first call.
    pub(super) fn kernel(
        &self,
        name: &'static str,
        source: &str,
    ) -> Result<wgpu::ComputePipeline, Failure> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pipeline)) = built.iter().find(|(known, _)| *known == name) {
            return Ok(pipeline.clone());
        }
        let pipeline = self.checked(|| {
            let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(name),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Each value is written before it is read.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        })?;
        built.push((name, pipeline.clone()));
        Ok(pipeline)
    }

    pub(super) fn buffer(
        &self,
        label: &str,
        bytes: u64,
        usage: wgpu::BufferUsages,
    ) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            // An empty binding is refused, and copies are of whole words of four bytes.
            size: bytes.max(4).next_multiple_of(4),
            usage,
            mapped_at_creation: false,
        })
    }

    /// The buffers of a kernel, in the order of its bindings.
    pub(super) fn bound(
        &self,
        kernel: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let entries = buffers.iter().enumerate().map(|(at, buffer)| wgpu::BindGroupEntry {
            binding: at as u32,
            resource: buffer.as_entire_binding(),
        });
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &kernel.get_bind_group_layout(0),
            entries: &entries.collect::<Vec<_>>(),
        })
    }

    /// Waits for what was submitted.
    pub(super) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), Failure> {
        let waited = wgpu::PollType::Wait { submission_index: submission, timeout: None };
        if self.device.poll(waited).is_err() || self.is_lost() {
            return Err(self.lost());
        }
        Ok(())
    }

    /// Asks for the bytes of a buffer that is written by what was submitted.
    pub(super) fn ask_for(&self, buffer: &wgpu::Buffer, bytes: u64) -> Coming {
        ask_for(buffer, wgpu::MapMode::Read, bytes)
    }

    /// Waits for those bytes and hands them to `read`.
    pub(super) fn receive<T>(
        &self,
        coming: Coming,
        buffer: &wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        bytes: u64,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Failure> {
        let waited = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        let is_done = self.device.poll(waited).is_ok();
        if !coming.came() || !is_done || self.is_lost() {
            return Err(self.lost());
        }
        let view = buffer.get_mapped_range(0..bytes).map_err(|_| Failure::Lost)?;
        let told = read(&view);
        drop(view);
        buffer.unmap();
        Ok(told)
    }
}

/// Bytes that were asked for.
#[derive(Debug)]
pub(super) struct Coming {
    told: mpsc::Receiver<bool>,
}

impl Coming {
    /// Whether they are there: another thread may have polled the device and be about to call back; a
    /// device that is lost drops the callback.
    fn came(self) -> bool {
        self.told.recv_timeout(LONGEST_CALLBACK).unwrap_or(false)
    }
}

/// Memory of the host from which the device takes its input.
#[derive(Debug)]
pub(super) struct Staging {
    buffer: wgpu::Buffer,
    /// While the device may still be reading.
    coming: Option<Coming>,
}

impl Staging {
    /// Of so many bytes; to be made within [`Gpu::checked`].
    pub(super) fn new(gpu: &Gpu, bytes: u64) -> Self {
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: bytes.max(4).next_multiple_of(4),
            usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        });
        Self { buffer, coming: None }
    }

    /// Writes parts one behind the other, as soon as the device has read what was there.
    ///
    /// # Errors
    /// If the device is lost.
    pub(super) fn write(&mut self, gpu: &Gpu, parts: &[&[u8]]) -> Result<(), Failure> {
        if let Some(coming) = self.coming.take() {
            let _ = gpu.device.poll(wgpu::PollType::Poll);
            if !coming.came() || gpu.is_lost() {
                return Err(gpu.lost());
            }
        }
        let mut view = self.buffer.get_mapped_range_mut(..).map_err(|_| gpu.lost())?;
        let mut from = 0;
        for part in parts {
            view.slice(from..from + part.len()).copy_from_slice(part);
            from += part.len();
        }
        drop(view);
        self.buffer.unmap();
        Ok(())
    }

    /// Tells the device to take the parts, each of so many bytes, into these.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder, into: &[(&wgpu::Buffer, u64)]) {
        let mut from = 0;
        for (into, bytes) in into {
            encoder.copy_buffer_to_buffer(&self.buffer, from, into, 0, Some(*bytes));
            from += bytes;
        }
    }

    /// Asks for it back once all that was submitted has read it.
    pub(super) fn sent(&mut self) {
        self.coming = Some(ask_for(&self.buffer, wgpu::MapMode::Write, self.buffer.size()));
    }
}

fn ask_for(buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) -> Coming {
    let (send, told) = mpsc::channel();
    buffer.map_async(mode, 0..bytes, move |mapped| {
        // Whoever asked may be gone by then.
        let _ = send.send(mapped.is_ok());
    });
    Coming { told }
}
