<#
.SYNOPSIS
Starts what the server needs on this machine.
.DESCRIPTION
In this order: minikube with its ingress controller, the namespace, the certificate of the pods' hosts where there is
one, the way to the ingress controller, and the server. Needed: minikube, kubectl, cargo, and Docker for a new minikube.
start.sh does the same in bash. Written for Windows PowerShell 5.1 and later.
.PARAMETER Folder
The folder with server.toml and secrets.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File start.ps1 -Folder C:\neuropod
#>
[CmdletBinding()]
param(
    [string]$Folder = '.'
)
$ErrorActionPreference = 'Stop'
$Folder = (Resolve-Path $Folder).Path
$repository = (Resolve-Path (Join-Path $PSScriptRoot '..\..\..')).Path
$namespace = if ($env:NEUROPOD_KUBE__NAMESPACE) { $env:NEUROPOD_KUBE__NAMESPACE } else { 'default' }
$run = Join-Path $Folder 'run'

# A program that fails ends the script: PowerShell by itself goes on.
function Invoke-Program {
    param([string]$Program, [string[]]$Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) {
        throw "$Program $($Arguments -join ' ') failed with $LASTEXITCODE"
    }
}

# Starts a program without a window that goes on when this script ends. Its output goes to the folder `run`.
function Start-Hidden {
    param([string]$Name, [string]$Program, [string[]]$Arguments)
    $process = Start-Process $Program -ArgumentList $Arguments -WorkingDirectory $Folder -WindowStyle Hidden -PassThru `
        -RedirectStandardOutput (Join-Path $run "$Name.log") -RedirectStandardError (Join-Path $run "$Name.err")
    # Without its handle the exit code of a process is lost.
    $null = $process.Handle
    Set-Content -NoNewline (Join-Path $run "$Name.pid") $process.Id
    $process
}

foreach ($program in 'minikube', 'kubectl', 'cargo') {
    if (-not (Get-Command $program -ErrorAction SilentlyContinue)) {
        throw "$program is missing"
    }
}
foreach ($file in 'server.toml', 'secrets\jwt', 'secrets\naming') {
    if (-not (Test-Path (Join-Path $Folder $file))) {
        throw "$(Join-Path $Folder $file) is missing: see README.md, step 2"
    }
}

& minikube status | Out-Null
if ($LASTEXITCODE -ne 0) {
    $arguments = @('start', '--driver=docker', '--memory=12000mb', '--cpus=8', '--addons=ingress,metrics-server')
    # The ports are for a new minikube; one that was stopped keeps those that it was made with.
    $arguments += '--ports=127.0.0.1:80:80,127.0.0.1:443:443'
    if (Get-Command nvidia-smi -ErrorAction SilentlyContinue) {
        $arguments += '--container-runtime=docker', '--gpus=all', '--addons=nvidia-device-plugin'
    }
    Invoke-Program minikube $arguments
}
Invoke-Program kubectl @('-n', 'ingress-nginx', 'rollout', 'status', 'deployment/ingress-nginx-controller', '--timeout=5m')
$found = & kubectl get namespace $namespace --ignore-not-found -o name
if (-not $found) {
    Invoke-Program kubectl @('create', 'namespace', $namespace)
}

# The certificate of *.<domain>, where TLS does not end in front: kube.tls_secret = "wildcard" names it.
$certificate = Join-Path $Folder 'tls\tls.crt'
$key = Join-Path $Folder 'tls\tls.key'
if ((Test-Path $certificate) -and (Test-Path $key)) {
    $secret = & kubectl -n $namespace create secret tls wildcard "--cert=$certificate" "--key=$key" --dry-run=client -o yaml
    $secret | & kubectl apply -f -
    if ($LASTEXITCODE -ne 0) {
        throw 'the certificate was refused'
    }
}

$file = Join-Path $run 'server.pid'
if (Test-Path $file) {
    # Since the machine was started the number may have become that of another program.
    $process = Get-Process -Id ([int](Get-Content $file)) -ErrorAction SilentlyContinue
    if ($process -and $process.ProcessName -eq 'server') {
        Write-Output 'the server runs already; stop.ps1 stops it'
        exit 0
    }
}
New-Item -ItemType Directory -Force $run | Out-Null
# Where minikube does not publish the port, it is forwarded, so that the ingress controller is at localhost:443. (`minikube
# tunnel` opens the port for the first Ingress that it sees, and closes it for all hosts when that one goes.)
$published = $false
if (Get-Command docker -ErrorAction SilentlyContinue) {
    & docker port minikube 443/tcp | Out-Null
    $published = $LASTEXITCODE -eq 0
}
if (-not $published) {
    Start-Hidden forward kubectl @('-n', 'ingress-nginx', 'port-forward', 'service/ingress-nginx-controller', '443:443') | Out-Null
}

# Compiled first, so that the process that is started is the server itself, and not cargo.
$manifest = Join-Path $repository 'Cargo.toml'
Invoke-Program cargo @('build', '--release', '--manifest-path', $manifest, '-p', 'neuropod-server', '--example', 'server')
$target = if ($env:CARGO_TARGET_DIR) { $env:CARGO_TARGET_DIR } else { Join-Path $repository 'target' }
$server = Start-Hidden server (Join-Path $target 'release\examples\server.exe') @('--config', 'server.toml')

for ($second = 0; $second -lt 60; $second++) {
    try {
        Invoke-WebRequest -UseBasicParsing -TimeoutSec 5 http://127.0.0.1:3000/readyz | Out-Null
        Write-Output "the server answers at http://127.0.0.1:3000; its log is $(Join-Path $run 'server.log')"
        exit 0
    } catch {
        if ($server.HasExited) {
            Get-Content -Tail 20 (Join-Path $run 'server.log'), (Join-Path $run 'server.err')
            throw "the server ended with $($server.ExitCode)"
        }
        Start-Sleep -Seconds 1
    }
}
throw "the server does not answer: see $(Join-Path $run 'server.log')"
