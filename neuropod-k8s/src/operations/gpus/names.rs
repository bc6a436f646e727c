//! The extended resources that are GPUs.

/// Names of extended resources that are GPUs or other accelerators, as used by the vendors' device plug-ins. A
/// `*` stands for any text.
pub(super) const GPUS: [&str; 30] = [
    "amd.com/*gpu*",
    "aws.amazon.com/neuron*",
    "baidu.com/*xpu*",
    "birentech.com/gpu*",
    "cambricon.com/*mlu*",
    "denglin.com/gpu*",
    "enflame.com/*gcu*",
    "furiosa.ai/*",
    "google.com/tpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
    "habana.ai/gaudi*",
    "huawei.com/Ascend*",
    "huawei.com/npu*",
    "hygon.com/*dcu*",
    "iluvatar.*/*gpu*",
    "k8s.amazonaws.com/vgpu",
    "kunlunxin.com/*xpu*",
    "metax-tech.com/*gpu*",
    "mthreads.com/*gpu*",
    "nvidia.com/gpu",
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-*",
    "nvidia.com/pgpu",
    "nvidia.com/vgpu",
    "qualcomm.com/qaic*",
    "rebellions.ai/*",
    "tenstorrent.com/*",
    "vastaitech.com/*gpu*",
    "volcano.sh/vgpu-number",
];

/// Whether a resource is a whole GPU or other accelerator. Shares of one (`nvidia.com/gpumem`,
/// `gpu.intel.com/millicores`) and other devices of the same vendors (`nvidia.com/hostdev`) are not.
pub(super) fn is_gpu(resource: &str) -> bool {
    let Some((vendor, name)) = resource.split_once('/') else {
        return false;
    };
    // Names that unlisted vendors are likely to use.
    let gpu = ["gpu", "vgpu"].contains(&name) || name.starts_with("gpu.") || name.starts_with("mig-");
    let share = ["mem", "cores", "vcore", "-core", "percent", "monitoring", "tile"]
        .iter()
        .any(|word| name.to_ascii_lowercase().contains(word));
    let known = GPUS.iter().any(|pattern| {
        let (of, device) = pattern.split_once('/').unwrap_or((pattern, ""));
        matches(of, vendor) && matches(device, name)
    });
    !share && (gpu || known)
}

/// Whether a text matches a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    // Both are short, so every position is tried.
    (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))
}
