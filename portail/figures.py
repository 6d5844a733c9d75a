"""Showing a chart with its text alternative."""

import base64
import html
import io

from IPython.display import HTML, display

from commons.errors import SettingError


def show(figure, alt: str, source: str | None = None) -> None:
    """Show a matplotlib figure as an HTML image with its text alternative, then close it.

    JupyterLab, nbconvert and the browser's notebook all lose the alternative of an ordinary figure;
    an HTML image keeps it.

    Args:
        figure: the ``matplotlib.figure.Figure``.
        alt: what the chart shows, in one or two sentences, computed from the data.
        source: the name of the dataset whose source line stands under the chart; none if left out.

    Raises:
        SettingError: if the alternative is empty.
    """
    import matplotlib.pyplot as plt

    from portail.tables import source_line

    if not alt or not alt.strip():
        raise SettingError(
            "A chart needs its text alternative: say in alt=… what it shows, with its main "
            "figures.",
            "Un graphique a besoin de son texte de remplacement : dites dans alt=… ce qu’il "
            "montre, chiffres à l’appui.",
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    image = base64.b64encode(buffer.getvalue()).decode("ascii")
    caption = f"<figcaption>{html.escape(source_line(source))}</figcaption>" if source else ""
    markup = (
        f'<figure style="margin:0"><img style="max-width:100%" alt="{html.escape(alt)}" '
        f'src="data:image/png;base64,{image}">{caption}</figure>'
    )
    display(HTML(markup))
