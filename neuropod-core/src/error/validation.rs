//! The mistakes of a request: all at once, each with its field and a stable code.
//!
//! The texts for people, in Spanish and English, are in [`crate::message`].

use std::fmt;

use crate::pod::image::ImageError;

/// The maximum length of a credit's note, in characters.
pub const MAX_NOTE_LEN: usize = 200;

/// All mistakes of a request; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationErrors(Vec<Problem>);

impl ValidationErrors {
    /// `Ok` when there are no problems.
    ///
    /// # Errors
    /// All of them, if there are any.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self(problems))
        }
    }

    /// The problems, in the order of the fields of the request.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for ValidationErrors {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for ValidationErrors {
    /// In English, for logs; people get [`crate::message`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(
                f,
                "{}{}: {}",
                if index == 0 { "" } else { "; " },
                problem.field,
                problem.violation.code()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ValidationErrors {}

/// A mistake of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The field of the request, by its name in the library's type (`disk_gb`); `body` for the whole. Readers
    /// of another format map it to their own names.
    pub field: &'static str,
    /// The mistake.
    pub violation: Violation,
}

impl Problem {
    /// A violation in a field.
    pub fn new(field: &'static str, violation: Violation) -> Self {
        Self { field, violation }
    }
}

/// The kind of a mistake. User input is repeated only if it is short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The body is not a JSON object.
    Malformed,
    /// The value has the wrong JSON type.
    WrongType,
    /// The field occurs twice in the body.
    Duplicate,
    /// The field is missing or blank.
    Required,
    /// The text is longer than this many characters.
    TooLong(usize),
    /// The text contains a control character (a line break, NUL).
    ControlCharacter,
    /// The text contains an invisible character, or one that changes its direction.
    HiddenCharacter,
    /// No part of the name can be used in a host name: it has no letter or digit.
    NameUnusable,
    /// The name is reserved for the platform.
    NameReserved,
    /// The owner has a pod with this name, or one that reads the same in a host name.
    NameInUse,
    /// A field that decides between a template and an image is neither `template` nor `docker`.
    DeploymentTypeUnknown,
    /// There is no such template.
    TemplateUnknown,
    /// The image reference is malformed.
    Image(ImageError),
    /// The image's registry is not on the public internet; the registry as typed, cut at 100 characters.
    RegistryInternal(String),
    /// The platform does not allow images from this registry.
    RegistryNotAllowed {
        /// The registry of the image, cut at 100 characters.
        registry: String,
        /// The first of the allowed registries.
        allowed: Vec<String>,
    },
    /// The catalogue has no GPU type of this name.
    GpuUnknown,
    /// The GPU type is not offered now.
    GpuNotOffered,
    /// The size is not an integer from `min` to `max`.
    OutOfRange {
        /// The minimum.
        min: u32,
        /// The maximum.
        max: u32,
    },
    /// A port is not an integer from 1 to 65535; the text as typed, cut at 20 characters.
    Port(String),
    /// A port occurs twice.
    PortTwice(u16),
    /// More ports than this.
    TooManyPorts(usize),
    /// The name of an environment variable is not a C identifier; the text as typed, cut at 40 characters.
    VariableName(String),
    /// This environment variable is set by the platform or would undo its isolation.
    VariableReserved(String),
    /// The value of this environment variable contains a NUL, which no process can receive.
    VariableValue(String),
    /// Too many environment variables, or too much text in them.
    EnvironmentTooBig,
    /// The path is not absolute, contains `..`, or is a folder of the system: see
    /// [`check_volume_path`](crate::pod::check::check_volume_path).
    VolumePath,
    /// Only administrators may create pods for others.
    AssignForbidden,
    /// There is no such user; the e-mail address as typed, cut at 100 characters.
    AssigneeUnknown(String),
    /// The user is not a client.
    AssigneeNotClient,
    /// The idempotency key is empty or longer than 255 characters.
    IdempotencyKey,
    /// An amount of money is negative or too large.
    Amount,
    /// Another user has this e-mail address, or another template this name.
    AlreadyTaken,
}

impl Violation {
    /// A stable, machine-readable name in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::Duplicate => "duplicate",
            Self::Required => "required",
            Self::TooLong(_) => "too_long",
            Self::ControlCharacter => "control_character",
            Self::HiddenCharacter => "hidden_character",
            Self::NameUnusable => "name_unusable",
            Self::NameReserved => "name_reserved",
            Self::NameInUse => "name_in_use",
            Self::DeploymentTypeUnknown => "deployment_type_unknown",
            Self::TemplateUnknown => "template_unknown",
            Self::Image(_) => "image",
            Self::RegistryInternal(_) => "registry_internal",
            Self::RegistryNotAllowed { .. } => "registry_not_allowed",
            Self::GpuUnknown => "gpu_unknown",
            Self::GpuNotOffered => "gpu_not_offered",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Port(_) => "port",
            Self::PortTwice(_) => "port_twice",
            Self::TooManyPorts(_) => "too_many_ports",
            Self::VariableName(_) => "variable_name",
            Self::VariableReserved(_) => "variable_reserved",
            Self::VariableValue(_) => "variable_value",
            Self::EnvironmentTooBig => "environment_too_big",
            Self::VolumePath => "volume_path",
            Self::AssignForbidden => "assign_forbidden",
            Self::AssigneeUnknown(_) => "assignee_unknown",
            Self::AssigneeNotClient => "assignee_not_client",
            Self::IdempotencyKey => "idempotency_key",
            Self::Amount => "amount",
            Self::AlreadyTaken => "already_taken",
        }
    }
}
