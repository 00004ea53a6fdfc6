#!/usr/bin/env python3
"""Makes spreadsheets as Excel and LibreOffice write them, and broken ones. Usage: make_sheet.py KIND FILE"""
import sys
import zipfile
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OPEN = "urn:oasis:names:tc:opendocument:xmlns:"


def xlsx(path, rows, more=0, workbook="", texts=None, sheet=None):
    """rows: lists of cells as XML, without their place."""
    body = sheet
    if body is None:
        body = ""
        for number, cells in rows:
            body += f'<row r="{number}">'
            for column, cell in enumerate(cells):
                if cell:
                    body += cell.replace("<c", f'<c r="{chr(65 + column)}{number}"', 1)
            body += "</row>"
    names = "".join(f'<sheet name="Sheet {i + 1}" sheetId="{i + 1}" r:id="rId{i + 1}"/>' for i in range(1 + more))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{RELATIONS}">{workbook}<sheets>{names}</sheets></workbook>')
        out.writestr("xl/_rels/workbook.xml.rels", '<Relationships xmlns="x"><Relationship Id="rId9" Target="theme.xml"/>'
                     '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>')
        if texts is not None:
            out.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>" + "".join(f"<si>{text}</si>" for text in texts) + "</sst>")
        out.writestr("xl/styles.xml", f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="[$-409]yyyy\\-mm\\-dd"/>'
                     '<numFmt numFmtId="165" formatCode="0.0&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
                     '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>')
        out.writestr("xl/worksheets/sheet1.xml", f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>")


def text(value):
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def team_xlsx(path, first_day=46143, workbook=""):
    """The team of the test: shared texts in runs, a reading aid, a formula, dates by two formats, a percentage, gaps."""
    words = ["id", "discipline", "availability", "criterion", "rating", "source", "observed_on", "note", "m-1", "BACKEND"]
    texts = [f"<t>{word}</t>" for word in words] + ["<r><t>archi</t></r><r><t>tecture</t></r><rPh><t>aid</t></rPh>", "<t>PEER</t>", "<t>ok</t>"]
    shared = [f'<c t="s"><v>{i}</v></c>' for i in range(len(texts))]
    xlsx(path, [
        (1, shared[:8]),
        (3, [shared[8], shared[9], '<c s="0"><v>0.80000000000000004</v></c>', shared[10], '<c><f>4+0.5</f><v>4.5</v></c>', shared[11],
             f'<c s="1"><v>{first_day}</v></c>', shared[12]]),
        (4, [text("m-2"), text(" FRONTEND "), "", text("interaction"), '<c t="str"><f>X</f><v>4</v></c>', text("PEER"),
             f'<c s="2"><v>{first_day}.5</v></c>', text("é")]),
    ], workbook=workbook, texts=texts)


def ods(path, tables):
    names = " ".join(f'xmlns:{name}="{OPEN}{name}:1.0"' for name in ("office", "table", "text"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        out.writestr("content.xml", f"<office:document-content {names}><office:body><office:spreadsheet>{tables}"
                     "</office:spreadsheet></office:body></office:document-content>")


def cell(value, kind="string"):
    if kind == "string":
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
    attribute = "date-value" if kind == "date" else "value"
    return f'<table:table-cell office:value-type="{kind}" office:{attribute}="{value}"><text:p>shown</text:p></table:table-cell>'


def row(*cells):
    return "<table:table-row>" + "".join(cells) + '<table:table-cell table:number-columns-repeated="16376"/></table:table-row>'


def team_ods(path):
    empty = "<table:table-cell/>"
    note = '<table:table-cell office:value-type="string"><office:annotation><text:p>a comment</text:p></office:annotation><text:p>o<text:span>k</text:span></text:p></table:table-cell>'
    rows = row(*[cell(word) for word in ("id", "discipline", "availability", "criterion", "rating", "source", "observed_on", "note")])
    rows += '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    rows += row(cell("m-1"), cell("BACKEND"), cell("0.8", "percentage"), cell("architecture"), cell("4.5", "float"), cell("PEER"),
                cell("2026-05-01", "date"), note)
    rows += row(cell("m-2"), cell("FRONTEND"), empty, cell("interaction"), cell("4", "float"), cell("PEER"), cell("2026-05-01T00:00:00", "date"), cell("é"))
    rows += '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    ods(path, f'<table:table table:name="Empty"/><table:table table:name="Team">{rows}</table:table>'
        f'<table:table table:name="Other">{row(cell("x"))}</table:table>')


def ods_row_repeated(path, repeated):
    ods(path, f'<table:table table:name="T"><table:table-row table:number-rows-repeated="{repeated}">{cell("id")}</table:table-row></table:table>')


def main():
    kind, path = sys.argv[1:]
    if kind == "team.xlsx":
        team_xlsx(path)
    elif kind == "1904.xlsx":
        team_xlsx(path, 46143 - 1462, '<workbookPr date1904="1"/>')
    elif kind == "bad.xlsx":
        xlsx(path, [(1, [text("id"), text("criterion"), text("rating")]), (2, [text("m-1"), text("architecture"), '<c t="e"><v>#N/A</v></c>'])], more=2)
    elif kind == "wide.xlsx":
        xlsx(path, [(1, [text("id")]), (2, ["<c><v>1042</v></c>"]), (3, [""] * 25 + [text("x")])])
    elif kind == "bomb.xlsx":
        xlsx(path, [], sheet="<row>" + " " * (65 << 20) + "</row>")
    elif kind == "entities.xlsx":
        xlsx(path, [], sheet="")
        with zipfile.ZipFile(path, "a") as out:
            out.writestr("xl/sharedStrings.xml", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>')
    elif kind == "cells.xlsx":
        xlsx(path, [], sheet="".join(f'<row r="{r}">' + "<c><v>1</v></c>" * 2000 + "</row>" for r in range(1, 3)))
    elif kind == "text.xlsx":
        xlsx(path, [], sheet='<row r="1"><c t="s"><v>7</v></c></row>', texts=["<t>id</t>"])
    elif kind == "other.zip":
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("a", "b")
    elif kind == "team.ods":
        team_ods(path)
    elif kind == "rows.ods":
        ods_row_repeated(path, 1 << 60)
    elif kind == "broken.ods":
        ods(path, "<table:table>")
    else:
        sys.exit(f"no such kind: {kind}")


main()
