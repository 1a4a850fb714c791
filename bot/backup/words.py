"""What backup and restore say, to whoever runs the installation."""

from __future__ import annotations

from bot.errors import RecadoError
from bot.texts import Language, Text

SAVED = Text(
    es="Copia escrita: {path} ({keys} claves, {conversations} conversaciones, {size} KB). Contiene lo que la gente ha "
    "escrito: guárdala como una contraseña.",
    en="Backup written: {path} ({keys} keys, {conversations} conversations, {size} KB). It holds what people have "
    "written: keep it like a password.",
)
EXISTS = Text(
    es="--to: {path} ya existe. Elige un archivo nuevo: una copia no se pisa.",
    en="--to: {path} is there already. Name a new file: a backup is not written over.",
)
NOT_WRITTEN = Text(
    es="--to: no se puede escribir {path} ({reason}). ¿Hay sitio en el disco, y permiso para esta carpeta?",
    en="--to: {path} cannot be written ({reason}). Is there room on the disk, and may you write in that folder?",
)
NOT_READ = Text(
    es="No se puede leer {path} ({reason}). Escribe el camino de una copia hecha con `python -m bot backup`.",
    en="{path} cannot be read ({reason}). Give the path of a backup that `python -m bot backup` made.",
)
NO_BACKUP = Text(
    es="{path} no es una copia de Recado. Las hace `python -m bot backup --to ARCHIVO`.",
    en="{path} is no backup of Recado's. `python -m bot backup --to FILE` makes them.",
)
BROKEN = Text(
    es="{path} está dañado o incompleto: su suma no coincide. No se ha tocado nada. Usa otra copia.",
    en="{path} is damaged or incomplete: its checksum does not match. Nothing was touched. Use another backup.",
)
NEWER = Text(
    es="{path} es de una versión más nueva (formato {format}; este Recado lee hasta {known}). Actualiza Recado "
    "primero. No se ha tocado nada.",
    en="{path} is of a newer version (format {format}; this Recado reads up to {known}). Upgrade Recado first. "
    "Nothing was touched.",
)
IN_USE = Text(
    es="Este Redis está en uso: {processes}. Para esos procesos (todos, también en otras máquinas) y hazlo otra vez. "
    "No se ha tocado nada.",
    en="This Redis is in use: {processes}. Stop these processes (all of them, on other machines too) and do it again. "
    "Nothing was touched.",
)
FILLED = Text(
    es="Aquí ya hay conversaciones. Para sustituirlas por las de la copia: --replace. Antes, haz una copia de lo que "
    "hay: `python -m bot backup --to ARCHIVO`. No se ha tocado nada.",
    en="There are conversations here already. To put those of the backup in their place: --replace. Before that, make "
    "a backup of what is here: `python -m bot backup --to FILE`. Nothing was touched.",
)
HALF = Text(
    es="Aquí se estaba restaurando una copia y no se terminó: lo que hay es solo una parte. Ejecuta antes otra vez "
    "`python -m bot restore ARCHIVO`. No se ha escrito ninguna copia.",
    en="A backup was being restored here, and that did not come to its end: only a part is here. Run `python -m bot "
    "restore FILE` again first. No backup was written.",
)
DECLINED = Text(es="Como quieras: no se ha tocado nada.", en="As you wish: nothing was touched.")
FOUND = Text(
    es="Copia del {made} ({keys} claves; Recado {version}, {server}).",
    en="Backup of {made} ({keys} keys; Recado {version}, {server}).",
)
SURE = Text(
    es="¿Olvidar todo lo que hay aquí y poner la copia en su lugar?",
    en="Forget everything that is here and put the backup in its place?",
)
RESTORED = Text(
    es="Restaurado: {keys} claves; con algo pendiente: {due} conversaciones, que se atienden en cuanto arranque un "
    "worker. Lo que se respondió después de la copia puede responderse otra vez.",
    en="Restored: {keys} keys; conversations with something to do: {due}, which are looked after as soon as a worker "
    "starts. What was answered after the backup may be answered again.",
)


class Unfit(RecadoError):
    """Raised when a backup cannot be made or restored; its words are there in every language."""

    def __init__(self, words: Text, **values: object) -> None:
        super().__init__(words.to("en", **values))
        self._words, self._values = words, values

    def to(self, language: Language) -> str:
        """What to do about it."""
        return self._words.to(language, **self._values)
