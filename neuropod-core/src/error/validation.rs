//! What is wrong with a request: every failure at once, each with its field and a stable code.
//!
//! The texts for people, in Spanish and English, are in [`crate::message`].

use std::fmt;

use crate::pod::image::ImageError;

/// The longest note of a credit, in characters.
pub const MAX_NOTE_LEN: usize = 200;

/// Everything that is wrong with one request; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationErrors(Vec<Problem>);

impl ValidationErrors {
    /// `Ok` when there are no problems.
    ///
    /// # Errors
    /// All of them otherwise.
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

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The field of the request, by its name in the type that it is about (`disk_gb`); `body` for the whole. Who reads
    /// another format knows its names.
    pub field: &'static str,
    /// What is wrong with it.
    pub violation: Violation,
}

impl Problem {
    /// A violation in a field.
    pub fn new(field: &'static str, violation: Violation) -> Self {
        Self { field, violation }
    }
}

/// What a request does wrong. What was typed is repeated only where it is short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The body is not the JSON object it should be.
    Malformed,
    /// The value has the wrong JSON type.
    WrongType,
    /// The field is in the body twice.
    Duplicate,
    /// The field is missing or blank.
    Required,
    /// The text is longer than this many characters.
    TooLong(usize),
    /// The text has a control character (a line break, NUL) in it.
    ControlCharacter,
    /// The text has a character in it that takes no room or changes the direction of the text.
    HiddenCharacter,
    /// Nothing of the name can be used in a host name: it has no letter or digit.
    NameUnusable,
    /// The name is the platform's own.
    NameReserved,
    /// The owner has a pod with this name, or one that reads the same in a host name.
    NameInUse,
    /// A field that decides between a template and an image is neither `template` nor `docker`.
    DeploymentTypeUnknown,
    /// There is no such template.
    TemplateUnknown,
    /// The image reference is malformed.
    Image(ImageError),
    /// The image's registry is no host of the public internet; the registry as typed, cut at 100 characters.
    RegistryInternal(String),
    /// The platform takes no images from this registry.
    RegistryNotAllowed {
        /// The registry of the image, cut at 100 characters.
        registry: String,
        /// The first of those from which it takes images.
        allowed: Vec<String>,
    },
    /// The catalogue has no GPU type of this name.
    GpuUnknown,
    /// The GPU type is not offered now.
    GpuNotOffered,
    /// The size is no whole number from `min` to `max`.
    OutOfRange {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A port is no whole number from 1 to 65535; the text as typed, cut at 20 characters.
    Port(String),
    /// A port is there twice.
    PortTwice(u16),
    /// More ports than this.
    TooManyPorts(usize),
    /// The name of an environment variable is no C identifier; the text as typed, cut at 40 characters.
    VariableName(String),
    /// This environment variable is set by the platform or would undo its isolation.
    VariableReserved(String),
    /// The value of this environment variable has a NUL in it, which no process can be given.
    VariableValue(String),
    /// Too many environment variables, or too much text in them.
    EnvironmentTooBig,
    /// The path is not absolute, has `..` in it, or is the system's own: see
    /// [`check_volume_path`](crate::pod::check::check_volume_path).
    VolumePath,
    /// Only administrators may create pods for others.
    AssignForbidden,
    /// There is no such user; the e-mail address as typed, cut at 100 characters.
    AssigneeUnknown(String),
    /// The user is no client.
    AssigneeNotClient,
    /// The idempotency key is empty or longer than 255 characters.
    IdempotencyKey,
    /// An amount of money is negative or too big.
    Amount,
    /// Somebody has this e-mail address, or a template this name, already.
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
