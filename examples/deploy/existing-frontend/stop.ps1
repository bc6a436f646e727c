<#
.SYNOPSIS
Stops what start.ps1 has started: the server, then the way to the ingress controller.
.DESCRIPTION
Pods run on, and are charged; stop them on the page before, or give -Minikube, which stops the cluster too. stop.sh does
the same in bash. Written for Windows PowerShell 5.1 and later.
.PARAMETER Folder
The folder with server.toml.
.PARAMETER Minikube
Stops minikube too.
#>
[CmdletBinding()]
param(
    [string]$Folder = '.',
    [switch]$Minikube
)
$ErrorActionPreference = 'Stop'
$run = Join-Path (Resolve-Path $Folder).Path 'run'

# The program behind each file: since the machine was started the number may have become that of another one.
$programs = @{ server = 'server'; forward = 'kubectl' }
foreach ($name in 'server', 'forward') {
    $file = Join-Path $run "$name.pid"
    if (-not (Test-Path $file)) {
        continue
    }
    $process = Get-Process -Id ([int](Get-Content $file)) -ErrorAction SilentlyContinue
    if ($process -and $process.ProcessName -eq $programs[$name]) {
        # Whatever was under way is repaired at the next start: the store keeps what should be.
        Stop-Process -InputObject $process
        $process.WaitForExit(30000) | Out-Null
    }
    Remove-Item $file
    Write-Output "$name is stopped"
}
if ($Minikube) {
    & minikube stop
    if ($LASTEXITCODE -ne 0) {
        throw "minikube stop failed with $LASTEXITCODE"
    }
}
