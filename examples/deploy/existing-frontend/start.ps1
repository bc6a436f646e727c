<#
.SYNOPSIS
Starts what the server needs on this machine.
.DESCRIPTION
In this order: minikube with its ingress controller, the namespace, the certificate of the pods' hosts where there is
one, the tunnel into minikube, and the server. Needed: minikube, kubectl, and cargo. start.sh does the same in bash.
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

# A program that fails ends the script: PowerShell by itself goes on.
function Invoke-Program {
    param([string]$Program, [string[]]$Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) {
        throw "$Program $($Arguments -join ' ') failed with $LASTEXITCODE"
    }
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
    Invoke-Program minikube @('start', '--driver=docker', '--container-runtime=docker', '--gpus=all', '--memory=12000mb',
        '--cpus=8', '--addons=ingress,metrics-server,nvidia-device-plugin')
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

$run = New-Item -ItemType Directory -Force (Join-Path $Folder 'run')
# With it the ingress controller is at localhost:443.
$tunnel = Start-Process minikube -ArgumentList 'tunnel' -WindowStyle Hidden -PassThru `
    -RedirectStandardOutput (Join-Path $run 'tunnel.log') -RedirectStandardError (Join-Path $run 'tunnel.err')
Set-Content -NoNewline (Join-Path $run 'tunnel.pid') $tunnel.Id

# Compiled first, so that the process that is started is the server itself, and not cargo.
$manifest = Join-Path $repository 'Cargo.toml'
Invoke-Program cargo @('build', '--release', '--manifest-path', $manifest, '-p', 'neuropod-server', '--example', 'server')
$program = Join-Path $repository 'target\release\examples\server.exe'
$server = Start-Process $program -ArgumentList '--config', 'server.toml' -WorkingDirectory $Folder -WindowStyle Hidden `
    -PassThru -RedirectStandardOutput (Join-Path $run 'server.log') -RedirectStandardError (Join-Path $run 'server.err')
Set-Content -NoNewline (Join-Path $run 'server.pid') $server.Id

for ($second = 0; $second -lt 60; $second++) {
    try {
        Invoke-WebRequest -UseBasicParsing http://127.0.0.1:3000/readyz | Out-Null
        Write-Output "the server answers at http://127.0.0.1:3000; its log is $(Join-Path $run 'server.log')"
        exit 0
    } catch {
        if ($server.HasExited) {
            Get-Content -Tail 20 (Join-Path $run 'server.log')
            throw "the server ended with $($server.ExitCode)"
        }
        Start-Sleep -Seconds 1
    }
}
throw "the server does not answer: see $(Join-Path $run 'server.log')"
